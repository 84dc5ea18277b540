using PinAgent.Model.Vm;
using PinAgent.Report.Status;

namespace PinAgent.Report.Metrics;

/// <summary>What the agent is there for, as something to alert on: a dedicated VM is pinned.</summary>
internal static class Objective
{
    /// <summary>Whether it's for the agent to pin this VM.</summary>
    /// <remarks>
    /// It isn't where the administrator has said so, and while the VM has no vCPU threads to pin: before QEMU has made
    /// them, as on a migration's target, and when they end, as on its source. No guest runs here then.
    /// </remarks>
    public static bool IsConcerned(VmStatus vm) =>
        vm.Dedicated
        && vm.Reason
            is not (
                Reason.AuditMode
                or Reason.Released
                or Reason.SwitchedOff
                or Reason.VcpuThreadsStarting
                or Reason.ThreadGone
            );

    /// <summary>Whether this VM isn't pinned though it's for the agent to do so.</summary>
    public static bool IsMissed(VmStatus vm) => vm.State != VmState.Pinned && IsConcerned(vm);
}
