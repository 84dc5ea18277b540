using PinAgent.Model.Node;
using PinAgent.Model.Text;
using PinAgent.Model.Vm;
using PinAgent.Report.Status;

namespace PinAgent.Cli.Look;

/// <summary>What has changed from one status to the next, a sentence for each. Pure.</summary>
internal static class StatusChanges
{
    private const int MostThreads = 4;

    /// <summary>The sentences: of the node, then of the VMs that are asked for.</summary>
    /// <param name="has">Which VMs are told of.</param>
    public static IEnumerable<string> Between(
        NodeStatus before,
        NodeStatus after,
        Func<VmStatus, bool> has
    )
    {
        if (before.Mode != after.Mode)
        {
            yield return $"mode {Word(before.Mode)} → {Word(after.Mode)}"
                + (after.ModeMessage is { } why ? $": {why}" : "");
        }

        if (before.CpuManager.State != after.CpuManager.State)
        {
            yield return $"CPU manager {Terminal.StatusTable.Word(before.CpuManager.State)} → "
                + Terminal.StatusTable.Word(after.CpuManager.State);
        }

        if (!before.Topology.Online.Equals(after.Topology.Online))
        {
            yield return $"online CPUs {before.Topology.Online} → {after.Topology.Online}";
        }

        foreach (var notice in after.Notices.Except(before.Notices))
        {
            yield return $"notice: {notice}";
        }

        foreach (var violation in after.Violations.Except(before.Violations))
        {
            yield return $"violation: {violation.Message}";
        }

        foreach (var violation in before.Violations.Except(after.Violations))
        {
            yield return $"no longer so: {violation.Message}";
        }

        foreach (var sentence in Vms(before, after, has))
        {
            yield return sentence;
        }
    }

    /// <summary>How a VM stands, for who hasn't seen it before.</summary>
    public static string Found(VmStatus vm) =>
        $"{Name(vm)}  {Standing(vm)}{(vm.Cpuset is { } cpus ? $" (CPUs {cpus})" : "")}";

    private static IEnumerable<string> Vms(
        NodeStatus before,
        NodeStatus after,
        Func<VmStatus, bool> has
    )
    {
        var old = before.Vms.ToLookup(vm => (vm.Pid, vm.Namespace, vm.Name));
        // One that leaves the states asked for is told, too: that's what is waited for.
        foreach (var vm in after.Vms)
        {
            var was = old[(vm.Pid, vm.Namespace, vm.Name)].FirstOrDefault();
            if (!has(vm) && (was is null || !has(was)))
            {
                continue;
            }

            foreach (var what in was is null ? [$"came: {Standing(vm)}"] : Changes(was, vm))
            {
                yield return $"{Name(vm)}  {what}";
            }
        }

        foreach (
            var vm in before.Vms.ExceptBy(
                after.Vms.Select(vm => (vm.Pid, vm.Namespace, vm.Name)),
                vm => (vm.Pid, vm.Namespace, vm.Name)
            )
        )
        {
            if (has(vm))
            {
                yield return $"{Name(vm)}  ended";
            }
        }
    }

    private static IEnumerable<string> Changes(VmStatus before, VmStatus after)
    {
        if (
            (before.State, before.Reason, before.Message)
            != (after.State, after.Reason, after.Message)
        )
        {
            yield return before.State == after.State
                ? Standing(after)
                : $"{before.State} → {Standing(after)}";
        }

        if (!Equals(before.Cpuset, after.Cpuset))
        {
            yield return $"CPUs {before.Cpuset?.ToString() ?? "?"} → {after.Cpuset?.ToString() ?? "?"}";
        }

        var threads = Threads(before, after).ToList();
        if (threads.Count > 0)
        {
            yield return string.Join(", ", threads.Take(MostThreads))
                + (threads.Count > MostThreads ? $" and {threads.Count - MostThreads} more" : "");
        }
    }

    private static IEnumerable<string> Threads(VmStatus before, VmStatus after)
    {
        var old = before.Threads.ToLookup(thread => thread.Tid);
        foreach (var thread in after.Threads)
        {
            var name = $"{thread.Role.ToWord()}{(thread.Index is { } index ? $" {index}" : "")}";
            if (old[thread.Tid].FirstOrDefault() is not { } was)
            {
                // QEMU's helpers come and go all the time.
                if (thread.Role is ThreadRole.Vcpu or ThreadRole.IoThread)
                {
                    yield return $"{name} ({thread.Tid}) new on {Cpus(thread)}";
                }
            }
            else if (!Equals(was.Actual, thread.Actual))
            {
                yield return $"{name} ({thread.Tid}) from {Cpus(was)} to {Cpus(thread)}";
            }
        }

        foreach (
            var thread in before.Threads.Where(thread =>
                thread.Role is ThreadRole.Vcpu
                && after.Threads.All(other => other.Tid != thread.Tid)
            )
        )
        {
            yield return $"vcpu {thread.Index} ({thread.Tid}) gone";
        }
    }

    private static string Name(VmStatus vm) => $"{vm.Namespace}/{vm.Name} (pid {vm.Pid})";

    private static string Cpus(ThreadStatus thread) => thread.Actual?.ToString() ?? "nowhere";

    private static string Standing(VmStatus vm) =>
        $"{vm.State}{(vm.Reason is { } reason ? $", {reason}" : "")}"
        + (vm.Message is { } message ? $": {message}" : "");

    private static string Word(AgentMode mode) => mode == AgentMode.Audit ? "audit" : "enforce";
}
