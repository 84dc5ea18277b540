using PinAgent.Model;
using PinAgent.Report;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace PinAgent.Cli;

/// <summary>Draws the answer of <c>detect</c>.</summary>
internal static class DetectText
{
    public static IRenderable Render(DetectStatus status)
    {
        var parts = new List<IRenderable>
        {
            new Text(
                status.State switch
                {
                    CpuManagerState.Static => "CPU manager: running (policy static)",
                    CpuManagerState.None => "CPU manager: not running",
                    _ => "CPU manager: unknown",
                }
            ),
        };
        parts.AddRange(status.Evidence.Select(line => new Text($"  {line}")));
        if (status.Exclusive.Count > 0)
        {
            var table = Tables.Plain("POD", "CONTAINER", "CPUS");
            foreach (var entry in status.Exclusive)
            {
                table.AddRow(
                    new Text(entry.PodUid ?? "-"),
                    new Text(entry.Container ?? "(whole pod)"),
                    new Text(entry.Cpus)
                );
            }

            parts.Add(new Text(""));
            parts.Add(table);
        }

        if (status.LabelCommand is { } command)
        {
            parts.Add(new Text(""));
            parts.Add(
                new Text(
                    "Unless KubeVirt's feature gate CPUManager is on, the administrator labels the node:"
                )
            );
            parts.Add(new Text($"  {command}"));
        }

        return new Rows(parts);
    }
}
