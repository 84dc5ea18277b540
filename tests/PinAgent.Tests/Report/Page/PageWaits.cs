using PinAgent.Model.Vm;
using PinAgent.Report.Status;
using PinAgent.Report.Waits;

namespace PinAgent.Tests.Report.Page;

/// <summary>Waits as the page gets them.</summary>
internal static class PageWaits
{
    /// <summary>The status with the share that each vCPU waited: of the last sample and the last minute alike.</summary>
    public static NodeStatus Waiting(this NodeStatus status, Func<VmStatus, ThreadStatus, double> share) =>
        status with
        {
            Waits = new WaitsStatus(new DateTimeOffset(2026, 3, 14, 9, 26, 53, TimeSpan.Zero), 60),
            Vms =
            [
                .. status.Vms.Select(vm =>
                    vm.With(thread =>
                        thread.Role == ThreadRole.Vcpu
                            ? thread with
                            {
                                Wait = new VcpuWait(share(vm, thread), share(vm, thread)),
                            }
                            : thread
                    )
                ),
            ],
        };

    /// <summary>Ten minutes that end with what the status says: the last quarter as now, before that a tenth of it.</summary>
    public static WaitPicture Picture(NodeStatus status) =>
        new(
            status
                .Vms.SelectMany(vm => vm.Threads.Select(thread => (vm.Pid, Thread: thread)))
                .Where(at => at.Thread.Wait is not null)
                .ToDictionary(
                    at => (at.Pid, at.Thread.Tid),
                    at =>
                        Enumerable
                            .Range(0, WaitSeries.Turns)
                            .Select(turn =>
                                turn < 10 ? WaitSeries.Unknown
                                : (ushort)(at.Thread.Wait!.Share * (turn < 90 ? 1_000 : 10_000))
                            )
                            .ToArray()
                )
        );
}
