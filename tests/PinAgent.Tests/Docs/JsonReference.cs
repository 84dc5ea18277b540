using System.Text.Json.Nodes;
using PinAgent.Tests.Validate;
using static PinAgent.Tests.Docs.MarkdownTable;

namespace PinAgent.Tests.Docs;

/// <summary>The page of the endpoint's paths and fields, from its OpenAPI document.</summary>
internal static class JsonReference
{
    public static string Text()
    {
        var document = JsonNode.Parse(RepositoryFiles.Text("agent/Report/Endpoint/openapi.json"))!;
        return $"""
            # JSON

            What `-o json` prints and the [endpoint](../endpoint.md) answers: `pinagent status -o json` and `/api/v1/status` are a
            [NodeStatus](#nodestatus). New fields and paths may come; none is renamed. For programs:
            [openapi.json](../../../agent/Report/Endpoint/openapi.json).

            ## Paths

            {Of(
                ["path", "answers"],
                document["paths"]!
                    .AsObject()
                    .Select(path =>
                        (string[])[Code(path.Key), path.Value!["get"]!["summary"]!.GetValue<string>()]
                    )
            )}

            {string.Join("\n\n", document["components"]!["schemas"]!.AsObject().Select(Section))}
            """;
    }

    private static string Section(KeyValuePair<string, JsonNode?> schema) =>
        $"""
            ## {schema.Key}

            {schema.Value!["description"]}

            {Of(
                ["field", "type", "means"],
                schema.Value["properties"]!
                    .AsObject()
                    .Select(field =>
                        (string[])
                            [Code(field.Key), TypeOf(field.Value!), $"{field.Value!["description"]}"]
                    )
            )}
            """;

    private static string TypeOf(JsonNode schema)
    {
        if (schema["$ref"] is { } reference)
        {
            var name = $"{reference}"["#/components/schemas/".Length..];
            return $"[{name}](#{name.ToLowerInvariant()})";
        }

        if (schema["oneOf"] is JsonArray choices)
        {
            return string.Join(" or ", choices.Select(choice => TypeOf(choice!)));
        }

        if (schema["enum"] is JsonArray words)
        {
            return string.Join(
                ", ",
                words.Select(word => Code(word?.GetValue<string>() ?? "null"))
            );
        }

        if (schema["items"] is { } items)
        {
            return $"list of {TypeOf(items)}";
        }

        if (schema["additionalProperties"] is { } values)
        {
            return $"map to {TypeOf(values)}";
        }

        var types = schema["type"] is JsonArray several
            ? several.Select(type => $"{type}")
            : [$"{schema["type"]}"];
        var text = string.Join(" or ", types);
        return schema["format"] is { } format ? $"{text}, {format}" : text;
    }
}
