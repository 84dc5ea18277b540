using PinAgent.Model.Text;
using PinAgent.Model.Vm;
using PinAgent.Report.Status;
using PinAgent.Report.Waits;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace PinAgent.Cli.Terminal;

/// <summary>Draws why one VM stands as it does, and why each of its threads is where it is.</summary>
internal static class VmExplanation
{
    public static IRenderable Render(NodeStatus node, VmStatus vm)
    {
        var facts = Facts(node, vm).ToList();
        var width = facts.Max(fact => fact.What.Length) + 4;
        return new Rows([
            new Flow(
                $"{vm.Namespace}/{vm.Name} (pid {vm.Pid}): {vm.State}"
                    + (vm.Reason is { } reason ? $", {reason}" : "")
            ),
            .. facts.Select(fact => new Flow($"  {fact.What}".PadRight(width) + fact.Text, width)),
            new Flow(""),
            StatusTable.Threads(vm, withDetails: true),
        ]);
    }

    private static IEnumerable<(string What, string Text)> Facts(NodeStatus node, VmStatus vm)
    {
        if (vm.Message is { } message)
        {
            yield return ("why", message);
        }

        if (vm.Action is { } action)
        {
            yield return ("what to do", action);
        }

        foreach (var advisory in vm.Advisories)
        {
            yield return ("note", advisory);
        }

        yield return ("dedicated", $"{(vm.Dedicated ? "yes" : "no")}, {DescribeSource(vm.Source)}");
        yield return (
            "CPUs",
            vm.Cpuset is { } cpuset
                ? CpuSourceText.Describe($"{cpuset}", vm.CpusetSource)
                : "unknown"
        );
        yield return (
            "guest",
            $"{vm.Guest.Sockets}×{vm.Guest.Cores}×{vm.Guest.Threads} (sockets × cores × threads), emulator "
                + (vm.Guest.IsolateEmulatorThread ? "isolated" : "not isolated")
        );
        if (WaitWords.Worst(vm) is { Wait: { } wait } worst && node.Waits is not null)
        {
            var blame = Disturbance.Of(node, vm, worst).Blame;
            yield return (
                "waits",
                $"vCPU {worst.Index ?? 0} {WaitWords.Describe(wait)}"
                    + (wait.Minute >= WaitWords.Disturbed && blame is not null ? $"; {blame}" : "")
            );
        }

        if (vm.Slow is { } slow)
        {
            yield return (
                slow.Until is null ? "slow since" : "was slow",
                $"{Times.Local(slow.From)}{(slow.Until is { } until ? $" to {Times.Local(until)}" : "")}: {slow.What}"
            );
        }

        if (vm.PodUid is { } pod)
        {
            yield return ("pod", $"{pod}, container {vm.ContainerId ?? "unknown"}");
            yield return (
                "CPU manager",
                string.Join(
                    "; ",
                    node.CpuManager.Evidence.Prepend(StatusTable.Word(node.CpuManager.State))
                )
            );
        }

        if (node.ModeMessage is { } mode)
        {
            yield return ("audit mode", mode);
        }
    }

    private static string DescribeSource(FactSource source) =>
        source switch
        {
            FactSource.Api => "by its VMI, as the API server tells it",
            FactSource.Remembered => "by its VMI, as the API server told it before",
            FactSource.File => "by its VMI in a file",
            _ => "by what the node shows: cgroup, command line and --vm",
        };
}
