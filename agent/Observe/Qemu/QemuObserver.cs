using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using PinAgent.Model.Vm;
using PinAgent.NativeInterop;
using PinAgent.Observe.Cgroups;
using PinAgent.Observe.Files;
using PinAgent.Observe.Proc;

namespace PinAgent.Observe.Qemu;

/// <summary>
/// Finds the QEMU processes of the machine and reads what they are made of. Processes and threads end while they are
/// read; that loses them, and nothing else.
/// </summary>
/// <param name="files">The machine's files.</param>
/// <param name="affinity">Reads the threads' masks.</param>
internal sealed class QemuObserver(HostFiles files, IAffinityReader affinity)
{
    // USER_HZ, the unit of start times in /proc, is 100 on every architecture we run on (time(7)).
    private const double TicksPerSecond = 100;

    // QEMU creates its vCPU threads one after the other, long before a manager lets the guest run.
    private const double StartingSeconds = 10;

    private readonly KvmVcpuFiles _kvmVcpus = new(files);
    private readonly KernelThreads _kernelThreads = new(files, affinity);
    private readonly VmCgroups _cgroups = new(files);
    private readonly List<int> _tids = [];
    private List<int> _pids = [];
    private List<int> _pidsBefore = [];

    // Processes that may still become a QEMU, by exec.
    private readonly HashSet<int> _young = [];

    /// <summary>Looks at every process once.</summary>
    /// <param name="cgroups">The hierarchy with the cpusets; null if there is none.</param>
    /// <param name="cgroupProblem">Why there is none.</param>
    /// <returns>The VMs in ascending order of their process ids.</returns>
    /// <exception cref="InvalidDataException">The processes can't be listed.</exception>
    public ImmutableArray<ObservedVm> Observe(CgroupHierarchy? cgroups, string? cgroupProblem)
    {
        ListProcesses();
        var uptime = ReadUptime();
        var vms = new List<ObservedVm>();
        _kernelThreads.BeginPass();
        foreach (var pid in _pids)
        {
            if (ObserveProcess(pid, uptime) is { } vm)
            {
                vms.Add(_cgroups.Observe(vm, cgroups, cgroupProblem));
            }
        }

        _kvmVcpus.Forget(vms.Select(vm => vm.Key).ToHashSet());
        return [.. _kernelThreads.AddTo(vms)];
    }

    /// <summary>Looks at some processes again. The kernel's own threads for their VMs stay as they were.</summary>
    /// <param name="before">All VMs as they were.</param>
    /// <param name="pids">The processes to look at.</param>
    /// <param name="cgroups">The hierarchy with the cpusets; null if there is none.</param>
    /// <returns>The very same VMs where all are as they were.</returns>
    public ImmutableArray<ObservedVm> ObserveAgain(
        ImmutableArray<ObservedVm> before,
        IReadOnlySet<int> pids,
        CgroupHierarchy? cgroups
    ) => ObserveAgain(before, pids, cgroups, renamed: null);

    /// <summary>
    /// Looks at the processes of threads that have just named themselves. Their other threads that are known stay as they
    /// were: a QEMU that starts names a hundred, one after the other.
    /// </summary>
    /// <param name="before">All VMs as they were.</param>
    /// <param name="named">The threads.</param>
    /// <param name="cgroups">The hierarchy with the cpusets; null if there is none.</param>
    /// <returns>The very same VMs where all are as they were.</returns>
    public ImmutableArray<ObservedVm> ObserveNamed(
        ImmutableArray<ObservedVm> before,
        IReadOnlyCollection<NamedThread> named,
        CgroupHierarchy? cgroups
    ) =>
        ObserveAgain(
            before,
            named.Select(thread => thread.Pid).ToHashSet(),
            cgroups,
            named.Select(thread => thread.Tid).ToHashSet()
        );

    private ImmutableArray<ObservedVm> ObserveAgain(
        ImmutableArray<ObservedVm> before,
        IReadOnlySet<int> pids,
        CgroupHierarchy? cgroups,
        HashSet<int>? renamed
    )
    {
        var uptime = ReadUptime();
        var vms = before.Where(vm => !pids.Contains(vm.Key.Pid)).ToList();
        foreach (var pid in pids)
        {
            var old = before.FirstOrDefault(old => old.Key.Pid == pid);
            var vm = ObserveOne(pid, uptime, old, cgroups, renamed);
            if (renamed is not null && old?.Cpuset?.Equals(vm?.Cpuset) == false)
            {
                // Then the kernel has given all its threads other masks.
                vm = ObserveOne(pid, uptime, old, cgroups, null);
            }

            if (vm is not null)
            {
                vms.Add(vm);
            }
        }

        vms.Sort((one, other) => one.Key.Pid.CompareTo(other.Key.Pid));
        return vms.SequenceEqual(before, ReferenceEqualityComparer.Instance) ? before : [.. vms];
    }

    private ObservedVm? ObserveOne(
        int pid,
        double? uptime,
        ObservedVm? old,
        CgroupHierarchy? cgroups,
        HashSet<int>? renamed
    )
    {
        if (ObserveProcess(pid, uptime, old, renamed) is not { } vm)
        {
            return null;
        }

        old = old?.Key == vm.Key ? old : null;
        var kernelThreads = old?.Threads.Where(thread => thread.IsKernelProcess) ?? [];
        var whole = _cgroups.Observe(vm, cgroups, null, renamed is null ? null : old);
        whole = whole with { Threads = [.. whole.Threads, .. kernelThreads] };
        return old?.IsSameAs(whole) == true ? old : whole;
    }

    /// <summary>
    /// Looks which processes are to be looked at again: VMs that are new, have ended or lack something, and those of which a
    /// thread came, went or has another mask. Reads no more than that takes.
    /// </summary>
    /// <param name="vms">All VMs as they were.</param>
    /// <param name="changed">The processes.</param>
    /// <returns>False where a look at everything is due: a thread of the kernel's own that works for a VM came or went.</returns>
    /// <exception cref="InvalidDataException">The processes can't be listed.</exception>
    public bool TryFindChanged(ImmutableArray<ObservedVm> vms, out HashSet<int> changed)
    {
        changed = [];
        foreach (var vm in vms)
        {
            if (vm.Problem is not null || !HasSameThreads(vm))
            {
                changed.Add(vm.Key.Pid);
            }
            else if (!HasSameKernelThreads(vm))
            {
                return false;
            }
        }

        ListProcesses();
        if (_young.Count == 0)
        {
            return true;
        }

        var uptime = ReadUptime();
        _kernelThreads.BeginPass();
        foreach (var pid in _young)
        {
            if (!vms.Any(vm => vm.Key.Pid == pid) && ObserveProcess(pid, uptime) is not null)
            {
                changed.Add(pid);
            }

            if (!IsYoung(pid, uptime))
            {
                _young.Remove(pid);
            }
        }

        return !_kernelThreads.HasAny;
    }

    private void ListProcesses()
    {
        (_pids, _pidsBefore) = (_pidsBefore, _pids);
        var listed = files.ListNumbers($"/proc", _pids);
        if (!listed.IsSuccess)
        {
            throw new InvalidDataException(
                $"{files.Display("/proc")}: {listed.Errno.Describe()}; is --host-root right, and procfs mounted there?"
            );
        }

        // Both are in ascending order.
        var before = 0;
        foreach (var pid in _pids)
        {
            while (before < _pidsBefore.Count && _pidsBefore[before] < pid)
            {
                before++;
            }

            if (before == _pidsBefore.Count || _pidsBefore[before] != pid)
            {
                _young.Add(pid);
            }
        }
    }

    private bool IsYoung(int pid, double? uptime) =>
        files.Read($"/proc/{pid}/stat", out var content).IsSuccess
        && ProcStat.TryParse(content, out var stat)
        && !stat.IsKernelThread
        && IsStarting(stat.StartTime, uptime);

    private static bool IsStarting(ulong startTime, double? uptime) =>
        uptime - (startTime / TicksPerSecond) < StartingSeconds;

    private bool HasSameKernelThreads(ObservedVm vm)
    {
        foreach (var thread in vm.Threads)
        {
            if (thread.IsKernelProcess && !IsStill(thread.Tid, thread))
            {
                return false;
            }
        }

        return true;
    }

    // Where all that are known are there still, their number tells whether there are others. It's had without listing them,
    // which takes the kernel ten times as long.
    private bool HasSameThreads(ObservedVm vm)
    {
        var pid = vm.Key.Pid;
        var count = 0;
        foreach (var thread in vm.Threads)
        {
            if (thread.IsKernelProcess)
            {
                continue;
            }

            count++;
            if (!IsStill(pid, thread))
            {
                return false;
            }
        }

        return files.HasFolders($"/proc/{pid}/task", count)
            || (files.ListNumbers($"/proc/{pid}/task", _tids).IsSuccess && _tids.Count == count);
    }

    // Only what is real time may be meant to be so.
    private bool IsStill(int pid, VmThread thread) =>
        affinity.IsStill(pid, thread.Tid, thread.Affinity)
        && (
            thread.Scheduling is not { } scheduling
            || !scheduling.IsAtLeastFifo(1)
            || affinity.IsStill(pid, thread.Tid, scheduling)
        );

    // Of a VM that is known, only the threads that are new or renamed are read, where it's told which those are.
    private ObservedVm? ObserveProcess(
        int pid,
        double? uptime,
        ObservedVm? known = null,
        HashSet<int>? renamed = null
    )
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
            _kernelThreads.Collect(pid, stat, ProcStatScheduling.TryParse(content));
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
        var threads = ObserveThreads(pid, known?.Key == key ? known : null, renamed);
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
        if (problem is null && vcpus < commandLine.Guest.BootVcpus && IsStarting(startTime, uptime))
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
            IsOfRoot = known?.Key == key && renamed is not null ? known.IsOfRoot : IsOfRoot(pid),
            Guest = commandLine.Guest,
            Threads = [.. threads.Select(thread => thread.Thread)],
            Problem = problem,
        };
    }

    private List<ThreadAsNamed> ObserveThreads(int pid, ObservedVm? known, HashSet<int>? renamed)
    {
        var threads = new List<ThreadAsNamed>();
        var asBefore = renamed is null
            ? null
            : known
                ?.Threads.Where(thread => !thread.IsKernelProcess && !renamed.Contains(thread.Tid))
                .ToDictionary(thread => thread.Tid);
        files.ListNumbers($"/proc/{pid}/task", _tids);
        foreach (var tid in _tids)
        {
            if (asBefore?.GetValueOrDefault(tid) is { } before)
            {
                threads.Add(ThreadAsNamed.Of(pid, before));
            }
            else if (
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
                            Scheduling = ProcStatScheduling.TryParse(content),
                        }
                    )
                );
            }
        }

        return threads;
    }

    private bool IsOfRoot(int pid) =>
        files.Read($"/proc/{pid}/status", out var status).IsSuccess && ProcStatus.IsOfRoot(status);

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

    private VmProblem? FindVcpus(VmKey key, List<ThreadAsNamed> threads)
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

    private readonly record struct ThreadAsNamed(ThreadName Name, VmThread Thread)
    {
        // What is known by its files may have to be recognised anew.
        public static ThreadAsNamed Of(int pid, VmThread thread)
        {
            if (thread.Tid == pid)
            {
                return new(default, thread);
            }

            var name = ThreadName.Parse(Encoding.UTF8.GetBytes(thread.Comm));
            return new(
                name,
                thread.Role == name.Role ? thread : thread with { Role = name.Role, Index = null }
            );
        }
    }
}
