using PinAgent.Cli.Terminal;
using PinAgent.Model.Text;
using PinAgent.Report.Status;
using PinAgent.Report.Waits;

namespace PinAgent.Cli.Look;

/// <summary>Says which VMs wait for their CPUs, or did: since when, and who ran there. Pure.</summary>
internal static class WaitLines
{
    /// <summary>What is to be said of a VM; null if that's nothing.</summary>
    public static string? Why(VmStatus vm, NodeStatus status)
    {
        if (!vm.Dedicated)
        {
            return null;
        }

        if (vm.Slow is { } slow && WaitWords.WasSlow(vm, status))
        {
            var when = slow.Until is { } until
                ? $"was slow until {Times.Local(until)}"
                : $"slow since {Times.Local(slow.From)}";
            return $"{when}: {slow.What}";
        }

        return
            status.Waits is { } waits
            && WaitWords.Worst(vm) is { Wait.Minute: >= WaitWords.Disturbed } worst
            ? $"vCPU {worst.Index ?? 0} waited {WaitWords.Percent(worst.Wait!.Minute)} of the last {WaitWords.Span(waits)}"
                + (Disturbance.Of(status, vm, worst).Blame is { } who ? $"; {who}" : "")
            : null;
    }

    /// <summary>The sentences, each with its VM.</summary>
    /// <param name="most">How many at most.</param>
    /// <param name="longerThan">Only those of which so much is already there.</param>
    public static IEnumerable<Flow> Of(NodeStatus status, int most, int longerThan = 0)
    {
        var told = status
            .Vms.Where(vm => vm.Message is null)
            .Select(vm => (Vm: vm, Why: Why(vm, status)))
            .Where(vm => vm.Why is { } why && Flow.WidthOf(why) > longerThan)
            .ToList();
        if (told.Count > 0)
        {
            yield return new Flow("");
        }

        foreach (var (vm, why) in told.Take(most))
        {
            yield return new Flow($"{vm.Namespace}/{vm.Name}: {why}", hanging: 2);
        }

        if (told.Count > most)
        {
            yield return new Flow($"and {told.Count - most} more VMs that wait, or did: --vm NAME");
        }
    }
}
