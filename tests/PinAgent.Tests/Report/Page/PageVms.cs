using PinAgent.Apply;
using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;
using PinAgent.Report.Status;

namespace PinAgent.Tests.Report.Page;

/// <summary>VMs as the page gets them: thread ids are the pid (emulator), pid + 1 (helper), pid + 10 + n (vCPUs).</summary>
internal static class PageVms
{
    /// <summary>A dedicated VM whose threads are all in place.</summary>
    /// <param name="name">Namespace and name.</param>
    /// <param name="pid">QEMU's process id.</param>
    /// <param name="vcpus">The CPU of each vCPU, with spaces between.</param>
    /// <param name="emulator">The CPUs of QEMU's own threads.</param>
    /// <param name="isIsolated">Whether those are theirs alone.</param>
    public static VmStatus Pinned(
        string name,
        int pid,
        string vcpus,
        string emulator,
        bool isIsolated = true
    )
    {
        var places = vcpus.Split(' ');
        var slash = name.IndexOf('/');
        return new VmStatus
        {
            Namespace = name[..slash],
            Name = name[(slash + 1)..],
            PodUid = null,
            ContainerId = null,
            Pid = pid,
            Source = FactSource.Api,
            Dedicated = true,
            State = VmState.Pinned,
            Reason = null,
            Message = null,
            Advisories = [],
            Cpuset = CpuSet.Parse(CpuSet.Parse(string.Join(',', [.. places, emulator])).ToString()),
            Guest = new GuestStatus(1, places.Length, 1, isIsolated),
            Threads =
            [
                Thread(pid, ThreadRole.Emulator, null, emulator),
                Thread(pid + 1, ThreadRole.Helper, null, emulator),
                .. places
                    .Index()
                    .Select(at => Thread(pid + 10 + at.Index, ThreadRole.Vcpu, at.Index, at.Item)),
            ],
        };
    }

    /// <summary>A dedicated VM that can't be placed: its threads float over its cpuset.</summary>
    public static VmStatus Refused(
        string name,
        int pid,
        int vcpus,
        string cpuset,
        Reason reason,
        string message
    ) =>
        Floating(name, pid, vcpus, cpuset) with
        {
            State = VmState.Refused,
            Reason = reason,
            Message = message,
        };

    /// <summary>A VM that isn't dedicated.</summary>
    public static VmStatus NotDedicated(string name, int pid, int vcpus, string cpuset) =>
        Floating(name, pid, vcpus, cpuset) with
        {
            Dedicated = false,
            State = VmState.NotDedicated,
            Reason = Reason.DedicatedCpusNotRequested,
            Message = "its VMI doesn't ask for dedicated CPUs",
        };

    /// <summary>A thread in its place.</summary>
    public static ThreadStatus Thread(int tid, ThreadRole role, int? index, string cpus) =>
        new(
            tid,
            role,
            index,
            role switch
            {
                ThreadRole.Vcpu => $"CPU {index}/KVM",
                ThreadRole.IoThread => $"IO iothread{index}",
                ThreadRole.Emulator => "qemu-kvm",
                ThreadRole.Vhost => "vhost-1000",
                _ => "worker",
            },
            CpuSet.Parse(cpus),
            CpuSet.Parse(cpus),
            Outcome.AlreadyRight,
            role == ThreadRole.Vcpu ? $"guest core {index}: a CPU to itself" : "with the emulator"
        );

    /// <summary>The VM with its threads changed.</summary>
    public static VmStatus With(this VmStatus vm, Func<ThreadStatus, ThreadStatus> change) =>
        vm with
        {
            Threads = [.. vm.Threads.Select(change)],
        };

    private static VmStatus Floating(string name, int pid, int vcpus, string cpuset) =>
        Pinned(name, pid, string.Join(' ', Enumerable.Repeat("0", vcpus)), "0") with
        {
            Cpuset = CpuSet.Parse(cpuset),
            Threads =
            [
                .. Pinned(name, pid, string.Join(' ', Enumerable.Repeat("0", vcpus)), "0")
                    .Threads.Select(thread =>
                        thread with
                        {
                            Wanted = null,
                            Actual = CpuSet.Parse(cpuset),
                            Outcome = null,
                            Rule = null,
                        }
                    ),
            ],
        };
}
