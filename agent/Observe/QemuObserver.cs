using System.Collections.Immutable;
using System.Globalization;
using PinAgent.Model;
using PinAgent.NativeInterop;

namespace PinAgent.Observe;

/// <summary>
/// Finds the QEMU processes of the machine and reads what they are made of. Processes and threads end while they are
/// read; that loses them, and nothing else.
/// </summary>
/// <param name="files">The machine's files.</param>
/// <param name="affinity">Reads the threads' masks.</param>
public sealed class QemuObserver(HostFiles files, IAffinityReader affinity)
{
    // USER_HZ, the unit of start times in /proc, is 100 on every architecture we run on (time(7)).
    private const double TicksPerSecond = 100;

    // QEMU creates its vCPU threads one after the other, long before a manager lets the guest run.
    private const double StartingSeconds = 10;

    private readonly KvmVcpuFiles _kvmVcpus = new(files);
    private readonly List<int> _pids = [];
    private readonly List<int> _tids = [];

    /// <summary>Looks at every process once.</summary>
    /// <param name="cgroups">The hierarchy with the cpusets; null if there is none.</param>
    /// <param name="cgroupProblem">Why there is none.</param>
    /// <returns>The VMs in ascending order of their process ids.</returns>
    /// <exception cref="InvalidDataException">The processes can't be listed.</exception>
    public ImmutableArray<ObservedVm> Observe(CgroupHierarchy? cgroups, string? cgroupProblem)
    {
        var listed = files.ListNumbers($"/proc", _pids);
        if (!listed.IsSuccess)
        {
            throw new InvalidDataException(
                $"{files.Display("/proc")}: {listed.Errno.Describe()}; is --host-root right, and procfs mounted there?"
            );
        }

        var uptime = ReadUptime();
        var vms = new List<ObservedVm>();
        var kernelThreads = new List<KernelThread>();
        foreach (var pid in _pids)
        {
            if (ObserveProcess(pid, uptime, kernelThreads) is { } vm)
            {
                vms.Add(ObserveCgroup(vm, cgroups, cgroupProblem));
            }
        }

        _kvmVcpus.Forget(vms.Select(vm => vm.Key).ToHashSet());
        return [.. AddKernelThreads(vms, kernelThreads)];
    }

    private ObservedVm? ObserveProcess(int pid, double? uptime, List<KernelThread> kernelThreads)
    {
        if (
            !files.Read($"/proc/{pid}/stat", out var content).IsSuccess
            || !ProcStat.TryParse(content, out var stat)
        )
        {
            return null;
        }

        var startTime = stat.StartTime;
        if (stat.IsKernelThread)
        {
            var name = ThreadName.Parse(stat.Name);
            if (name is { What: ThreadName.Kind.Vhost or ThreadName.Kind.KvmPit, Number: not null })
            {
                kernelThreads.Add(new(pid, startTime, ThreadName.Printable(stat.Name), name));
            }

            return null;
        }

        var isQemu = QemuCommandLine.IsQemuName(stat.Name);
        if (!files.Read($"/proc/{pid}/cmdline", out var arguments).IsSuccess || arguments.IsEmpty)
        {
            // Gone, or a zombie: its command line is empty.
            return null;
        }

        isQemu |= QemuCommandLine.IsQemuName(QemuCommandLine.Program(arguments));
        if (!isQemu && !QemuCommandLine.HasQemuOptions(arguments))
        {
            return null;
        }

        var commandLine = QemuCommandLine.Parse(arguments);
        var key = new VmKey(pid, startTime);
        var threads = ObserveThreads(pid);
        var hasVcpus = threads.Exists(thread =>
            thread.Name.What is ThreadName.Kind.Vcpu or ThreadName.Kind.AllVcpus
        );
        if (
            threads.Count == 0
            || commandLine.HasNoMachine
            || (!hasVcpus && !(isQemu && ExecutableIsQemu(pid)))
        )
        {
            return null;
        }

        var problem = commandLine.Problem is { } text
            ? new VmProblem(Reason.Unreadable, text)
            : FindVcpus(key, threads);
        var vcpus = threads.Count(thread => thread.Thread.Role == ThreadRole.Vcpu);
        if (
            problem is null
            && vcpus < commandLine.Guest.BootVcpus
            && uptime - (startTime / TicksPerSecond) < StartingSeconds
        )
        {
            problem = new VmProblem(
                Reason.VcpuThreadsStarting,
                $"QEMU has just started: {vcpus} of {commandLine.Guest.BootVcpus} vCPU threads exist"
            );
        }

        return new ObservedVm
        {
            Key = key,
            GuestName = commandLine.GuestName,
            Guest = commandLine.Guest,
            Threads = [.. threads.Select(thread => thread.Thread)],
            Problem = problem,
        };
    }

    private List<NamedThread> ObserveThreads(int pid)
    {
        var threads = new List<NamedThread>();
        files.ListNumbers($"/proc/{pid}/task", _tids);
        foreach (var tid in _tids)
        {
            if (
                files.Read($"/proc/{pid}/task/{tid}/stat", out var content).IsSuccess
                && ProcStat.TryParse(content, out var stat)
            )
            {
                var name = tid == pid ? default : ThreadName.Parse(stat.Name);
                threads.Add(
                    new(
                        name,
                        new VmThread
                        {
                            Tid = tid,
                            StartTime = stat.StartTime,
                            Comm = ThreadName.Printable(stat.Name),
                            Role = tid == pid ? ThreadRole.Emulator : name.Role,
                            Index = name.Role is ThreadRole.Vcpu or ThreadRole.IoThread
                                ? name.Number
                                : null,
                            Affinity = affinity.Read(pid, tid),
                        }
                    )
                );
            }
        }

        return threads;
    }

    // Another user's executable can be read with CAP_SYS_PTRACE only: unreadable doesn't speak against it. The kernel
    // marks the file of a QEMU that was started before its package was updated.
    private bool ExecutableIsQemu(int pid)
    {
        if (!files.ReadLink($"/proc/{pid}/exe", out var target).IsSuccess)
        {
            return true;
        }

        var deleted = " (deleted)"u8;
        return QemuCommandLine.IsQemuName(
            target.EndsWith(deleted) ? target[..^deleted.Length] : target
        );
    }

    private VmProblem? FindVcpus(VmKey key, List<NamedThread> threads)
    {
        if (threads.Exists(thread => thread.Name.What == ThreadName.Kind.AllVcpus))
        {
            return new VmProblem(
                Reason.VcpusShareOneThread,
                "one thread runs all vCPUs (-accel tcg,thread=single), so they can't be put on CPUs one by one; use KVM, "
                    + "or thread=multi"
            );
        }

        var twice = threads
            .Where(thread => thread.Thread.Role == ThreadRole.Vcpu)
            .GroupBy(thread => thread.Thread.Index)
            .FirstOrDefault(group => group.Count() > 1);
        if (twice is not null)
        {
            return new VmProblem(
                Reason.VcpuThreadsAmbiguous,
                $"threads {string.Join(" and ", twice.Select(thread => thread.Thread.Tid))} are both called "
                    + $"{twice.First().Thread.Comm}: expected one thread for each vCPU"
            );
        }

        if (threads.Exists(thread => thread.Thread.Role == ThreadRole.Vcpu))
        {
            return null;
        }

        var candidates = threads
            .Where(thread => thread.Name.What is ThreadName.Kind.Other)
            .Select(thread => thread.Thread)
            .ToList();
        var problem = _kvmVcpus.TryRecognise(key, candidates, out var vcpuOf);
        for (var i = 0; i < threads.Count; i++)
        {
            if (vcpuOf.TryGetValue(threads[i].Thread.Tid, out var vcpu))
            {
                threads[i] = threads[i] with
                {
                    Thread = threads[i].Thread with { Role = ThreadRole.Vcpu, Index = vcpu },
                };
            }
        }

        return problem;
    }

    private ObservedVm ObserveCgroup(ObservedVm vm, CgroupHierarchy? cgroups, string? cgroupProblem)
    {
        var pid = vm.Key.Pid;
        if (cgroups is null)
        {
            return Unreadable(cgroupProblem ?? "no cgroup hierarchy with cpusets is mounted");
        }

        var main = PathOf(cgroups, pid, pid, out var problem);
        if (main is null)
        {
            return Unreadable(problem);
        }

        var location = ContainerPath.Parse(main);
        var (cpuset, cpusetProblem) = cgroups.ReadEffective(location.Path);
        if (cpuset is null)
        {
            return Unreadable(cpusetProblem ?? location.Path) with { Cgroup = location };
        }

        if (cpuset.IsEmpty)
        {
            return vm with
            {
                Cgroup = location,
                Cpuset = cpuset,
                Problem = new VmProblem(
                    Reason.CpusetEmpty,
                    $"{location.Path}: the effective cpuset is empty, so the VM has no CPU to run on"
                ),
            };
        }

        var threads = vm.Threads.ToBuilder();
        for (var i = 0; i < threads.Count; i++)
        {
            if (
                PathOf(cgroups, pid, threads[i].Tid, out _) is { } path
                && path != location.Path
                && cgroups.ReadEffective(path).Cpus is { } own
                && !own.Equals(cpuset)
            )
            {
                threads[i] = threads[i] with { OwnCpuset = own };
            }
        }

        return vm with
        {
            Cgroup = location,
            Cpuset = cpuset,
            GivenCpuset = cgroups.ReadOwn(location.Path),
            Housekeeping =
                cgroups.ReadChild(location.Path, "housekeeping")
                ?? cgroups.ReadChild($"{location.Path}/container", "housekeeping"),
            Threads = threads.DrainToImmutable(),
        };

        ObservedVm Unreadable(string text) =>
            vm with
            {
                Problem = vm.Problem ?? new VmProblem(Reason.CpusetUnreadable, text),
            };
    }

    private string? PathOf(CgroupHierarchy cgroups, int pid, int tid, out string problem)
    {
        problem = "";
        var result = files.Read($"/proc/{pid}/task/{tid}/cgroup", out var content);
        if (!result.IsSuccess)
        {
            problem = result.ToException(files.Display($"/proc/{pid}/task/{tid}/cgroup")).Message;
            return null;
        }

        if (!ProcCgroup.TryParse(content, cgroups.Mount.IsV1, out var path))
        {
            problem =
                $"{files.Display($"/proc/{pid}/task/{tid}/cgroup")}: expected a line for "
                + (cgroups.Mount.IsV1 ? "v1's cpuset controller" : "v2")
                + ", found none";
            return null;
        }

        var resolved = cgroups.Resolve(path);
        if (resolved is null)
        {
            problem =
                $"{path} is relative to the agent's own cgroup, which isn't found in the hierarchy mounted at "
                + $"{files.Display(cgroups.Mount.MountPoint)}: mount the host's there";
        }

        return resolved;
    }

    // The kernel's own threads for a VM, outside its process: vhost workers before Linux 6.4, and the PIT.
    private IEnumerable<ObservedVm> AddKernelThreads(
        List<ObservedVm> vms,
        List<KernelThread> kernelThreads
    )
    {
        if (kernelThreads.Count == 0)
        {
            return vms;
        }

        var innerPidOf = vms.ToDictionary(vm => vm.Key, vm => ReadInnerPid(vm.Key.Pid));
        return vms.Select(vm =>
            vm with
            {
                Threads =
                [
                    .. vm.Threads,
                    .. kernelThreads
                        .Where(thread => WorksFor(thread, vm))
                        .Select(thread =>
                            ToVmThread(thread, vms.Count(other => WorksFor(thread, other)))
                        ),
                ],
            }
        );

        // A vhost worker carries QEMU's id on the host, the PIT its id in QEMU's own PID namespace, which pods
        // share with one another; a thread is never older than the process it works for.
        bool WorksFor(KernelThread thread, ObservedVm vm) =>
            thread.StartTime >= vm.Key.StartTime
            && thread.Name.Number
                == (thread.Name.What == ThreadName.Kind.Vhost ? vm.Key.Pid : innerPidOf[vm.Key]);
    }

    private VmThread ToVmThread(KernelThread thread, int candidates) =>
        new()
        {
            Tid = thread.Tid,
            StartTime = thread.StartTime,
            Comm = thread.Comm,
            Role = thread.Name.Role,
            Affinity = affinity.Read(thread.Tid, thread.Tid),
            IsKernelProcess = true,
            IsAmbiguous = candidates > 1,
        };

    private int? ReadInnerPid(int pid) =>
        files.Read($"/proc/{pid}/status", out var status).IsSuccess
        && ProcStatus.TryParseNamespacePids(status, out var pids)
            ? pids[^1]
            : null;

    // /proc/uptime: seconds since boot, and idle seconds.
    private double? ReadUptime() =>
        files.ReadText($"/proc/uptime", out var text).IsSuccess
        && double.TryParse(
            text.Split(' ')[0],
            NumberStyles.AllowDecimalPoint,
            CultureInfo.InvariantCulture,
            out var seconds
        )
            ? seconds
            : null;

    private readonly record struct NamedThread(ThreadName Name, VmThread Thread);

    private sealed record KernelThread(int Tid, ulong StartTime, string Comm, ThreadName Name);
}
