using PinAgent.Model.Kubernetes;
using PinAgent.Model.Node;
using PinAgent.Report.Detect;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace PinAgent.Cli.Terminal;

/// <summary>Draws the answer of <c>detect</c>.</summary>
internal static class DetectText
{
    public static IRenderable Render(DetectStatus status)
    {
        var parts = new List<IRenderable>
        {
            new Flow(
                status.State switch
                {
                    CpuManagerState.Static => "CPU manager: running (policy static)",
                    CpuManagerState.None => "CPU manager: not running",
                    CpuManagerState.Dra =>
                        "CPU manager: a DRA driver gives out exclusive CPUs in its place",
                    _ => "CPU manager: unknown",
                }
            ),
        };
        parts.AddRange(status.Evidence.Select(line => new Flow($"  {line}")));
        AddTable(
            parts,
            ["POD", "CONTAINER", "CPUS"],
            status.Exclusive.Select(entry =>
                (string[])[entry.PodUid ?? "-", entry.Container ?? "(whole pod)", entry.Cpus]
            )
        );
        AddTable(
            parts,
            ["BY PODRESOURCES", "CONTAINER", "CPUS"],
            status.PodResources?.Containers.Select(entry =>
                (string[])[$"{entry.Namespace}/{entry.Pod}", entry.Container, $"{entry.Cpus}"]
            ) ?? []
        );
        if (status.Cluster is { } cluster)
        {
            parts.Add(new Flow(""));
            parts.AddRange(Lines(cluster).Select(line => new Flow(line)));
        }

        if (status.LabelCommand is { } command)
        {
            parts.Add(new Flow(""));
            parts.AddRange(Advice(status.Cluster, command).Select(line => new Flow(line)));
        }

        return new Rows(parts);
    }

    private static IEnumerable<string> Lines(DetectClusterStatus cluster)
    {
        yield return $"Cluster: {cluster.Server ?? "unknown"}";
        foreach (var problem in cluster.Problems)
        {
            yield return $"  {problem}";
        }

        yield return cluster switch
        {
            { Gate: FeatureGate.Unknown } => "  feature gate CPUManager: unknown",
            { GateSources: [] } => "  feature gate CPUManager: off, nothing turns it on",
            _ =>
                $"  feature gate CPUManager: {(cluster.Gate == FeatureGate.On ? "on" : "off")}, by "
                    + string.Join(", ", cluster.GateSources),
        };
        if (cluster.VirtHandler is { } handler)
        {
            yield return handler switch
            {
                { Heartbeat: null } => "  virt-handler: none on this node",
                { Alive: true } =>
                    $"  virt-handler: alive ({handler.Heartbeat:u}), it writes the labels every minute or two",
                _ => $"  virt-handler: silent since {handler.Heartbeat:u}, it writes no labels",
            };
        }

        foreach (var (key, label) in cluster.Labels)
        {
            var value = label.Actual is null ? "absent" : $"\"{label.Actual}\"";
            var owner = label.Owner is null ? "" : $", set by {label.Owner}";
            yield return $"  label {key}: {value}{owner}";
        }

        foreach (var labels in cluster.Labels.GroupBy(label => label.Value.Message))
        {
            yield return $"  {string.Join(", ", labels.Select(label => label.Key))}: {labels.Key}";
        }
    }

    private static IEnumerable<string> Advice(DetectClusterStatus? cluster, string command)
    {
        yield return cluster is { Gate: FeatureGate.Off }
            ? "The feature gate is off, so the administrator labels the node:"
            : "Unless KubeVirt's feature gate CPUManager is on, the administrator labels the node:";
        yield return $"  {command}";
        if (cluster is { VirtHandler.Alive: true })
        {
            yield return "  virt-handler is alive and will overwrite that within two minutes";
        }
    }

    private static void AddTable(
        List<IRenderable> parts,
        string[] header,
        IEnumerable<string[]> rows
    )
    {
        var table = new PlainTable(header);
        foreach (var row in rows)
        {
            table.AddRow([.. row.Select(cell => new Cell(cell))]);
        }

        if (table.RowCount > 0)
        {
            parts.Add(new Flow(""));
            parts.Add(table);
        }
    }
}
