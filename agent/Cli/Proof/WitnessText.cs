using System.Globalization;
using PinAgent.Cli.Terminal;
using PinAgent.Model.Text;
using PinAgent.Report.Proof;
using Spectre.Console.Rendering;

namespace PinAgent.Cli.Proof;

/// <summary>What the kernel saw, for people.</summary>
internal static class WitnessText
{
    // On each CPU; the JSON has all.
    private const int MostUsers = 5;

    public static IEnumerable<IRenderable> Render(WitnessStatus seen)
    {
        List<IRenderable> parts = [Waits(seen), new Flow("")];
        if (seen.Cpus.Length > 0)
        {
            parts.AddRange([Users(seen), new Flow("")]);
        }

        if (seen.Worst.Length > 0)
        {
            parts.AddRange([Longest(seen), new Flow("")]);
        }

        parts.AddRange([
            new Flow(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"Watching took {seen.CostShare * 100:0.###} % of one CPU, for {seen.Events} events."
                )
            ),
            new Flow(""),
        ]);
        return parts;
    }

    private static PlainTable Waits(WitnessStatus seen)
    {
        var table = new PlainTable(
            "VCPU",
            "CPU",
            "WAITED AFTER",
            "TIMES",
            "P50",
            "P99",
            "P99.9",
            "MAX"
        );
        foreach (var vcpu in seen.Vcpus)
        {
            Add(vcpu, "wake-up", vcpu.Woken);
            Add(vcpu, "preemption", vcpu.Preempted);
        }

        return table;

        void Add(VcpuWaits vcpu, string after, WaitFigures waits)
        {
            table.AddRow(
                $"{vcpu.Index}",
                Cpu(vcpu.Cpu),
                after,
                Number(waits.Count),
                Figure(waits.P50),
                Figure(waits.P99),
                Figure(waits.P999),
                Figure(waits.Max)
            );

            Cell Figure(double seconds) => waits.Count == 0 ? "-" : DurationText.Of(seconds);
        }
    }

    private static PlainTable Users(WitnessStatus seen)
    {
        var table = new PlainTable(
            "CPU",
            "WHO ELSE RAN",
            "PID",
            "TIMES",
            "RAN",
            "LONGEST",
            "HELD UP"
        );
        foreach (var use in seen.Cpus)
        {
            foreach (var user in use.Ran.Take(MostUsers))
            {
                table.AddRow(
                    $"{use.Cpu}",
                    Who(user.Kind, user.Comm),
                    user.Kind == "rest" ? "-" : $"{user.Pid}",
                    Number(user.Times),
                    DurationText.Of(user.Ran),
                    DurationText.Of(user.Longest),
                    DurationText.Of(user.HeldUp)
                );
            }

            if (use.Ran.Length > MostUsers)
            {
                var others = use.Ran.Skip(MostUsers).ToList();
                table.AddRow(
                    $"{use.Cpu}",
                    $"{others.Count} others",
                    "-",
                    Number(others.Sum(user => user.Times)),
                    DurationText.Of(others.Sum(user => user.Ran)),
                    DurationText.Of(others.Max(user => user.Longest)),
                    DurationText.Of(others.Sum(user => user.HeldUp))
                );
            }

            Add(use.Cpu, "interrupts", use.Interrupts);
            Add(use.Cpu, "softirqs", use.SoftInterrupts);
        }

        return table;

        void Add(int cpu, string what, InterruptUse use) =>
            table.AddRow(
                $"{cpu}",
                use.LongestOf is { } one ? $"{what} ({one})" : what,
                "-",
                Number(use.Times),
                DurationText.Of(use.Ran),
                DurationText.Of(use.Longest),
                "-"
            );
    }

    private static PlainTable Longest(WitnessStatus seen)
    {
        var table = new PlainTable("LONGEST WAITS", "VCPU", "CPU", "AFTER", "WAITED", "FOR");
        foreach (var wait in seen.Worst)
        {
            table.AddRow(
                Times.Local(wait.At, "HH:mm:ss.ffffff"),
                $"{wait.Vcpu}",
                Cpu(wait.Cpu),
                wait.After,
                DurationText.Of(wait.Seconds) + (wait.IsOver ? "" : " so far"),
                wait.By is { } by
                    ? $"{Who(by.Kind, by.Comm)} {by.Pid}"
                        + (by.Seconds is { } held ? $", {DurationText.Of(held)}" : "")
                    : "nobody"
            );
        }

        return table;
    }

    private static string Who(string kind, string comm) =>
        kind switch
        {
            "kernel" => $"{comm} (kernel)",
            "vm" => $"{comm} (this VM)",
            "rest" => $"{comm} and more",
            _ => comm,
        };

    private static string Cpu(int? cpu) => cpu is { } id ? $"{id}" : "-";

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);
}
