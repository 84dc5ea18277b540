using System.Globalization;
using System.Text.Json.Nodes;
using PinAgent.Model.Kubernetes;
using PinAgent.Observe.Cluster;

namespace PinAgent.Tests.Report.Cluster;

/// <summary>A node as the API has it, in short: <c>"cpumanager=true@pinagent! a=b@kubectl"</c>.</summary>
internal static class LabelNode
{
    public static readonly DateTimeOffset Now = new(2026, 9, 1, 12, 0, 0, TimeSpan.Zero);

    /// <summary>The node's JSON.</summary>
    /// <param name="labels">Key=value@owner,owner; <c>!</c> after an owner who applied it. No owner: none on record.</param>
    /// <param name="heartbeat">How long ago virt-handler was alive; null if it never was.</param>
    /// <param name="now">The time; <see cref="Now"/> if null.</param>
    public static string Json(string labels, TimeSpan? heartbeat = null, DateTimeOffset? now = null)
    {
        var parsed = labels
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(label =>
            {
                var (pair, owners) = label.Split('@') is [var first, var second]
                    ? (first, second.Split(','))
                    : (label, []);
                var (key, value) = pair.Split('=') is [var left, var right]
                    ? (left, right)
                    : throw new FormatException(label);
                return (key, value, owners);
            })
            .ToList();
        var owned = parsed
            .SelectMany(label => label.owners.Select(owner => (owner, label.key)))
            .GroupBy(entry => entry.owner, entry => entry.key);
        return new JsonObject
        {
            ["metadata"] = new JsonObject
            {
                ["uid"] = "u1",
                ["labels"] = Object(parsed.Select(label => (label.key, (JsonNode)label.value))),
                ["annotations"] = new JsonObject
                {
                    ["kubevirt.io/heartbeat"] = heartbeat is { } age
                        ? ((now ?? Now) - age).ToString(
                            "yyyy-MM-ddTHH:mm:ssZ",
                            CultureInfo.InvariantCulture
                        )
                        : null,
                },
                ["managedFields"] = new JsonArray([
                    .. owned.Select(owner => Entry(owner.Key, owner)),
                ]),
            },
        }.ToJsonString();
    }

    private static JsonObject Entry(string owner, IEnumerable<string> keys) =>
        new()
        {
            ["manager"] = owner.TrimEnd('!'),
            ["operation"] = owner.EndsWith('!') ? "Apply" : "Update",
            ["fieldsV1"] = new JsonObject
            {
                ["f:metadata"] = new JsonObject
                {
                    ["f:labels"] = Object(
                        keys.Select(key => ($"f:{key}", (JsonNode)new JsonObject()))
                            .Prepend((".", new JsonObject()))
                    ),
                },
            },
        };

    private static JsonObject Object(IEnumerable<(string Key, JsonNode Value)> fields) =>
        new(fields.Select(field => KeyValuePair.Create(field.Key, (JsonNode?)field.Value)));

    public static NodeLabels Read(string labels, TimeSpan? heartbeat = null) =>
        NodeReader.Read(System.Text.Encoding.UTF8.GetBytes(Json(labels, heartbeat)));
}
