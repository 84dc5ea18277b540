using System.Collections.Immutable;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Report.Page;
using PinAgent.Report.Status;
using PinAgent.Report.Waits;

namespace PinAgent.Cli.Look;

/// <summary>How badly a VM needs somebody: what is looked at first stands first.</summary>
internal enum Pain
{
    /// <summary>It isn't pinned, or not alone on its CPUs.</summary>
    Broken,

    /// <summary>Not yet, or by choice.</summary>
    Waiting,

    /// <summary>It's pinned, and others may take time on its CPUs.</summary>
    Disturbed,

    /// <summary>It was slow in the last day, and isn't any more.</summary>
    WasSlow,

    /// <summary>All is well.</summary>
    None,

    /// <summary>It's no dedicated VM.</summary>
    NotDedicated,
}

/// <summary>Tells the pain of VMs. Pure.</summary>
internal static class Pains
{
    /// <summary>A VM's.</summary>
    public static Pain Of(VmStatus vm, NodeStatus status) =>
        vm switch
        {
            { Dedicated: false, Reason: Reason.ApiUnanswered } => Pain.Waiting,
            { Dedicated: false } => Pain.NotDedicated,
            { State: VmState.Waiting } => Pain.Waiting,
            { State: not VmState.Pinned } => Pain.Broken,
            { Slow.Until: null, Slow: not null } => Pain.Disturbed,
            _ => WaitWords.Worst(vm) is { Wait.Minute: >= WaitWords.Disturbed }
            || Disturbances(vm, status).Any()
                ? Pain.Disturbed
            : WaitWords.WasSlow(vm, status) ? Pain.WasSlow
            : Pain.None,
        };

    /// <summary>The VMs, those in pain first, and among equals by their names.</summary>
    public static ImmutableArray<VmStatus> Sort(NodeStatus status) =>
        [
            .. status
                .Vms.OrderBy(vm => Of(vm, status))
                .ThenBy(vm => vm.Namespace, StringComparer.Ordinal)
                .ThenBy(vm => vm.Name, StringComparer.Ordinal)
                .ThenBy(vm => vm.Pid),
        ];

    /// <summary>
    /// The violations that concern CPUs of a VM's vCPUs; where waits are measured, not those of who may run there and for
    /// whom nobody waited.
    /// </summary>
    public static IEnumerable<Violation> Disturbances(VmStatus vm, NodeStatus status)
    {
        var disturbed = Disturbance.Of(status);
        return status.Violations.Where(violation =>
            vm.Threads.Any(thread =>
                thread is { Role: ThreadRole.Vcpu, Wanted: { } wanted }
                && wanted.Overlaps(violation.Cpus)
            )
            && (
                status.Waits is null
                || Verdict.SeverityOf(violation, status, disturbed) != Severity.Possible
            )
        );
    }
}
