using System.Globalization;
using PinAgent.Cli.Terminal;
using PinAgent.Model.Cpu;
using PinAgent.Model.Text;
using PinAgent.Report.Map;
using PinAgent.Report.Status;
using PinAgent.Report.Waits;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace PinAgent.Cli.Look;

/// <summary>Draws whose a CPU is, what belongs there and what else may run there, and how long it waited. Pure.</summary>
internal static class CpuLines
{
    private const int Indent = 14;
    private const int MostOthers = 10;

    /// <summary>The lines of some CPUs.</summary>
    public static IRenderable Render(NodeStatus status, CpuSet cpus, WaitRates waits)
    {
        var map = NodeMap.Of(status);
        return new Rows(
            cpus.Index()
                .SelectMany(at =>
                    (at.Index > 0 ? (Flow[])[new Flow("")] : []).Concat(
                        One(status, map[at.Item], waits)
                    )
                )
        );
    }

    private static IEnumerable<Flow> One(NodeStatus status, MappedCpu cpu, WaitRates waits)
    {
        yield return new Flow(CpuWords.Describe(cpu, status), hanging: 2);
        if (Place(status.Topology, cpu.Id) is { } place)
        {
            yield return Fact("place", place);
        }

        var here = Threads(status).Where(at => at.Thread.Actual?.Contains(cpu.Id) == true).ToList();
        foreach (var at in here.Where(at => at.Thread.Actual!.Equals(at.Thread.Wanted)))
        {
            yield return Fact("belongs here", $"{Name(at)}{Waited(at, waits)}");
        }

        foreach (
            var at in Threads(status)
                .Where(at =>
                    at.Thread is { Wanted: { } wanted, Actual: { } actual }
                    && wanted.Contains(cpu.Id)
                    && !actual.Equals(wanted)
                )
        )
        {
            yield return Fact(
                "missing here",
                $"{Name(at)}, on {at.Thread.Actual}: {at.Thread.Outcome?.ToString() ?? "-"}"
            );
        }

        // Threads of a VM that has no place of its own may run anywhere: told by the VM.
        var others = here.Where(at => !at.Thread.Actual!.Equals(at.Thread.Wanted))
            .GroupBy(at => at.Vm)
            .ToList();
        foreach (var vm in others.Take(MostOthers))
        {
            yield return Fact(
                "may run here",
                $"{vm.Count()} {(vm.Count() == 1 ? "thread" : "threads")} of {vm.Key.Namespace}/{vm.Key.Name} "
                    + $"(pid {vm.Key.Pid}), {vm.Key.State}"
            );
        }

        if (others.Count > MostOthers)
        {
            yield return Fact("", $"and of {others.Count - MostOthers} more VMs");
        }

        foreach (var ran in (status.Waits?.Ran ?? []).Where(ran => ran.Cpu == cpu.Id))
        {
            yield return Fact(
                "ran here",
                $"{ran.Name} (pid {ran.Pid}), {WaitWords.Percent(ran.Share)} of the time, while a vCPU waited"
            );
        }

        foreach (
            var violation in status.Violations.Where(violation => violation.Cpus.Contains(cpu.Id))
        )
        {
            yield return Fact("disturbed", violation.Message);
        }
    }

    private static string? Place(TopologyStatus topology, int id) =>
        topology.Cpus.FirstOrDefault(cpu => cpu.Id == id) is not { } cpu
            ? null
            : $"socket {cpu.Socket}, NUMA node {cpu.Numa}, "
                + (cpu.L3 is { } l3 ? $"L3 {l3}, " : "")
                + $"core {cpu.Core}"
                + (
                    cpu.Siblings.Count > 1
                        ? $", which it shares with CPU {cpu.Siblings.Except(CpuSet.Of([id]))}"
                        : ""
                )
                + (topology.Isolated.Contains(id) ? ", isolated" : "")
                + (topology.NohzFull.Contains(id) ? ", nohz_full" : "");

    private static IEnumerable<(VmStatus Vm, ThreadStatus Thread)> Threads(NodeStatus status) =>
        status.Vms.SelectMany(vm => vm.Threads.Select(thread => (vm, thread)));

    private static string Name((VmStatus Vm, ThreadStatus Thread) at) =>
        $"{at.Thread.Role.ToWord()}{(at.Thread.Index is { } index ? $" {index}" : "")} of "
        + $"{at.Vm.Namespace}/{at.Vm.Name} ({at.Thread.Comm}, {at.Thread.Tid})";

    private static string Waited((VmStatus Vm, ThreadStatus Thread) at, WaitRates waits)
    {
        if (at.Thread.RunDelayNanoseconds is not { } total)
        {
            return "";
        }

        var since =
            string.Create(
                CultureInfo.InvariantCulture,
                $"; waited {total / 1e9:0.000} s since its start"
            )
            + (
                at.Thread.Wait is { } wait
                    ? $", {WaitWords.Percent(wait.Minute)} of the last minute"
                    : ""
            );
        return waits.Of(at.Thread.Tid) is { } share
            ? since
                + string.Create(
                    CultureInfo.InvariantCulture,
                    $", {share * 100:0.0} % of the last {waits.Seconds:0.0} s"
                )
            : since;
    }

    private static Flow Fact(string what, string text) =>
        new($"  {what}".PadRight(Indent + 2) + text, Indent + 2);
}
