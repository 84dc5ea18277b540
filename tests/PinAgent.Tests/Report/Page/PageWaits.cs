using PinAgent.Model.Changes;
using PinAgent.Model.Vm;
using PinAgent.Report.Status;
using PinAgent.Report.Timeline;
using PinAgent.Report.Waits;

namespace PinAgent.Tests.Report.Page;

/// <summary>Waits as the page gets them.</summary>
internal static class PageWaits
{
    /// <summary>The status with the share that each vCPU waited: of the last sample and the last minute alike.</summary>
    public static NodeStatus Waiting(
        this NodeStatus status,
        Func<VmStatus, ThreadStatus, double> share
    ) =>
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

    /// <summary>Something of each kind, in five hours.</summary>
    public static TimelinePicture Timeline()
    {
        var now = new DateTimeOffset(2026, 3, 14, 9, 26, 53, TimeSpan.Zero);
        return new(
            now,
            [
                At(300, VmChangeKind.AgentStarted, "", "the agent started"),
                At(299, VmChangeKind.Begun, "default/vm1", "pinned within CPUs 2-3,6"),
                At(
                    240,
                    VmChangeKind.Refused,
                    "default/vm2",
                    "Refused, NotEnoughCpus: 3 vCPUs need 3 CPUs, the cpuset 1 has 1"
                ),
                At(200, VmChangeKind.Begun, "default/vm2", "pinned within CPUs 1,3,5,7"),
                At(
                    121,
                    VmChangeKind.Repaired,
                    "default/vm1",
                    "repaired vcpu 1 (4011) from 0-7 to 6: taskset (pid 812) had set other masks, back after 4 ms"
                ),
                At(
                    120,
                    VmChangeKind.Repaired,
                    "default/vm1",
                    "repaired vcpu 0 (4010) from 0-7 to 2: taskset (pid 813) had set other masks, back after 3 ms"
                ),
                At(
                    20,
                    VmChangeKind.ViolationBegun,
                    "default/vm2",
                    "disturbed: other processes may run on CPUs 5 of default/vm2's vCPUs: host/builder (pid 4200, 6 threads)"
                ),
                At(
                    15,
                    VmChangeKind.WaitBegun,
                    "default/vm2",
                    "slow: vCPU 1 has waited 5.0 s of the last 10 s for CPU 5; there ran host/builder (pid 4200, 97 % of CPU 5)"
                ),
                At(8, VmChangeKind.ViolationEnded, "default/vm2", "no longer so: the same"),
            ]
        );

        TimelineEntry At(double minutes, VmChangeKind kind, string who, string what) =>
            new(now.AddMinutes(-minutes), kind, who, what);
    }

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
                                turn < 10
                                    ? WaitSeries.Unknown
                                    : (ushort)(at.Thread.Wait!.Share * (turn < 90 ? 1_000 : 10_000))
                            )
                            .ToArray()
                )
        );
}
