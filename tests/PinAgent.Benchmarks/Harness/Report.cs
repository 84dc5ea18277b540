using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace PinAgent.Benchmarks.Harness;

/// <summary>Gathers the figures, and writes them as Markdown with the machine's name.</summary>
internal sealed class Report
{
    private readonly StringBuilder _rows = new();
    private string _load = "";

    /// <summary>Says which benchmark begins, and notes how busy the machine is before it.</summary>
    public void Begin(string name)
    {
        _load = File.ReadAllText("/proc/loadavg").Split(' ')[0];
        Console.Error.WriteLine($"benchmarks: {name} (load {_load})");
    }

    /// <summary>Adds a row.</summary>
    public void Add(Figure figure)
    {
        _rows.AppendLine(
            CultureInfo.InvariantCulture,
            $"| {figure.What} | {figure.Goal ?? "–"} | {figure.Measured} | {_load} |"
        );
        Console.Error.WriteLine($"  {figure.What}: {figure.Measured}");
    }

    /// <summary>The whole text.</summary>
    public string ToMarkdown(bool isQuick) =>
        $"""
            # Benchmarks

            `tests/benchmarks.sh` on {Machine()}.{(
                isQuick ? " With `--quick`: no figure to go by." : ""
            )}
            Figures are medians, with the least and the greatest value in brackets. "Load" is the machine's load of the minute before:
            above 0 somebody else was at work too.

            | what | goal | measured | load |
            |---|---|---|---|
            {_rows}
            """;

    private static string Machine() =>
        $"{Environment.ProcessorCount} CPUs ({Line("/proc/cpuinfo", "model name")}), "
        + $"{long.Parse(Line("/proc/meminfo", "MemTotal").Split(' ')[0]) >> 20} GiB, "
        + $"Linux {File.ReadAllText("/proc/sys/kernel/osrelease").Trim()}, {RuntimeInformation.FrameworkDescription}";

    private static string Line(string file, string key) =>
        File.ReadLines(file)
            .Where(line => line.StartsWith(key, StringComparison.Ordinal))
            .Select(line => line[(line.IndexOf(':') + 1)..].Trim())
            .FirstOrDefault("unknown");
}
