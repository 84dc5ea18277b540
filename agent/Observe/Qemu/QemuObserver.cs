using System.Collections.Immutable;
using PinAgent.Model.Vm;
using PinAgent.NativeInterop;
using PinAgent.Observe.Cgroups;
using PinAgent.Observe.Files;
using PinAgent.Observe.Proc;

namespace PinAgent.Observe.Qemu;

/// <summary>
/// Finds the QEMU processes of the machine and reads what they are made of. Processes and threads end while they are
/// read; that loses them, and nothing else. What can't be read for another reason stays as it was, with that reason.
/// </summary>
internal sealed class QemuObserver : IDisposable
{
    // Where there's more than is kept, a new VM's share is found by a look at everything, but not at each look.
    private const double SharingSeconds = 10;

    // What is read at least of a VM that began since then.
    private const int LeastRoom = 32;

    private readonly HostFiles _files;
    private readonly ProcessList _processes;
    private readonly KernelThreads _kernelThreads;
    private readonly QemuProcess _process;
    private readonly ThreadBudget _budget;
    private readonly ThreadCheck _threads;
    private readonly QemuChanges _changes;
    private readonly VmCgroups _cgroups;
    private ImmutableArray<ObservedVm> _last = [];
    private bool _isOver;
    private double? _sharedAt;

    /// <summary>Creates the observer.</summary>
    public QemuObserver(HostFiles files, IAffinityReader affinity)
    {
        _files = files;
        _processes = new(files);
        _kernelThreads = new(files, affinity);
        _process = new(files, new QemuThreads(files, affinity, new(files)), _kernelThreads);
        _budget = new(files, _processes);
        _threads = new(files, affinity);
        _changes = new(_processes, _process, _threads, _kernelThreads, _budget);
        _cgroups = new(files);
    }

    /// <summary>How many processes look like a QEMU beyond those that are looked at.</summary>
    public int LeftOut { get; private set; }

    /// <summary>Closes what it holds open of the VMs.</summary>
    public void Dispose() => _threads.Dispose();

    /// <summary>Looks at every process once.</summary>
    /// <param name="cgroups">The hierarchy with the cpusets; null if there is none.</param>
    /// <param name="cgroupProblem">Why there is none.</param>
    /// <returns>The VMs in ascending order of their process ids.</returns>
    /// <exception cref="InvalidDataException">The processes can't be listed.</exception>
    public ImmutableArray<ObservedVm> Observe(CgroupHierarchy? cgroups, string? cgroupProblem)
    {
        _processes.Read();
        var uptime = _processes.ReadUptime();
        var vms = new List<ObservedVm>();
        _kernelThreads.BeginPass();
        var candidates = FindCandidates(cgroups, vms);
        var rooms = ShareOut(candidates, uptime);
        foreach (var candidate in candidates)
        {
            if (!rooms.TryGetValue(candidate.Pid, out var room))
            {
                continue;
            }

            var known = KnownOf(candidate.Pid);
            var reading = _process.Read(candidate.Pid, uptime, room);
            if (reading.Vm is { } vm)
            {
                vms.Add(WithCgroup(vm, known, cgroups, cgroupProblem, null));
            }
            else
            {
                Keep(candidate.Pid, reading, known, vms);
            }
        }

        vms.Sort((one, other) => one.Key.Pid.CompareTo(other.Key.Pid));
        _changes.Forget(vms.Select(vm => vm.Key).ToHashSet());
        return _last = [.. _kernelThreads.AddTo(vms)];
    }

    /// <summary>Looks at some processes again. The kernel's own threads for their VMs stay as they were.</summary>
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
    /// <param name="cgroups">The hierarchy with the cpusets; null if there is none.</param>
    /// <returns>The very same VMs where all are as they were.</returns>
    public ImmutableArray<ObservedVm> ObserveNamed(
        ImmutableArray<ObservedVm> before,
        IReadOnlyCollection<NamedThread> named,
        CgroupHierarchy? cgroups
    ) =>
        ObserveAgain(
            before,
            named
                .Select(thread => thread.Pid)
                .Distinct()
                .Where(pid => _budget.Admits(pid, QemuChanges.Find(before, pid)))
                .ToHashSet(),
            cgroups,
            named.Select(thread => thread.Tid).ToHashSet()
        );

    /// <summary>
    /// Looks which processes are to be looked at again: VMs that are new, have ended or lack something, and those of which a
    /// thread came, went or has another mask. Reads no more than that takes.
    /// </summary>
    /// <param name="vms">All VMs as they were.</param>
    /// <param name="masksToo">Whether to read masks and priorities.</param>
    /// <returns>
    /// False where a look at everything is due: a thread of the kernel's own that works for a VM came or went, or there are
    /// more VMs or threads than are kept.
    /// </returns>
    /// <exception cref="InvalidDataException">The processes can't be listed.</exception>
    public bool TryFindChanged(
        ImmutableArray<ObservedVm> vms,
        out HashSet<int> changed,
        bool masksToo = true
    )
    {
        changed = [];
        return !(_isOver && !(_processes.ReadUptime() - _sharedAt < SharingSeconds))
            && _changes.TryFind(vms, changed, masksToo);
    }

    private ImmutableArray<ObservedVm> ObserveAgain(
        ImmutableArray<ObservedVm> before,
        IReadOnlySet<int> pids,
        CgroupHierarchy? cgroups,
        HashSet<int>? renamed
    )
    {
        var uptime = _processes.ReadUptime();
        var vms = before.Where(vm => !pids.Contains(vm.Key.Pid)).ToList();
        foreach (var pid in pids)
        {
            var old = QemuChanges.Find(before, pid);
            if (old is null && vms.Count >= Bounds.Vms)
            {
                _isOver = true;
                continue;
            }

            var room = Bounds.NodeThreads - vms.Sum(vm => vm.Threads.Length);
            _isOver |= _files.CountFolders($"/proc/{pid}/task") > room;
            room = Math.Max(room, LeastRoom);
            var vm = ObserveOne(pid, uptime, room, old, cgroups, renamed);
            if (renamed is not null && old?.Cpuset?.Equals(vm?.Cpuset) == false)
            {
                // Then the kernel has given all its threads other masks.
                vm = ObserveOne(pid, uptime, room, old, cgroups, null);
            }

            if (vm is not null)
            {
                vms.Add(vm);
            }
        }

        vms.Sort((one, other) => one.Key.Pid.CompareTo(other.Key.Pid));
        return _last = vms.SequenceEqual(before, ReferenceEqualityComparer.Instance)
            ? before
            : [.. vms];
    }

    private ObservedVm? ObserveOne(
        int pid,
        double? uptime,
        int room,
        ObservedVm? old,
        CgroupHierarchy? cgroups,
        HashSet<int>? renamed
    )
    {
        var reading = _process.Read(pid, uptime, room, old, renamed);
        if (reading.Vm is not { } vm)
        {
            if (old is null && reading.IsWorthAnotherLook)
            {
                _processes.LookAgain(pid);
            }

            return reading.Or(old);
        }

        old = old?.Key == vm.Key ? old : null;
        var kernelThreads = old?.Threads.Where(thread => thread.IsKernelProcess) ?? [];
        var whole = WithCgroup(vm, old, cgroups, null, renamed is null ? null : old);
        whole = whole with { Threads = [.. whole.Threads, .. kernelThreads] };
        return old?.IsSameAs(whole) == true ? old : whole;
    }

    // A cgroup that can't be read doesn't make a VM forget which it's in.
    private ObservedVm WithCgroup(
        ObservedVm vm,
        ObservedVm? known,
        CgroupHierarchy? cgroups,
        string? cgroupProblem,
        ObservedVm? before
    )
    {
        var whole = _cgroups.Observe(vm, cgroups, cgroupProblem, before);
        return whole.Cpuset is null && known is { Cpuset: not null } && known.Key == vm.Key
            ? whole with
            {
                Cgroup = known.Cgroup,
                Cpuset = known.Cpuset,
                CpusetFile = known.CpusetFile,
                GivenCpuset = known.GivenCpuset,
                IsGivenAbove = known.IsGivenAbove,
                Housekeeping = known.Housekeeping,
            }
            : whole;
    }

    private List<VmCandidate> FindCandidates(CgroupHierarchy? cgroups, List<ObservedVm> vms)
    {
        var candidates = new List<VmCandidate>();
        foreach (var pid in _processes.Pids)
        {
            if (_process.IsCandidate(pid, out var startTime, out var reading))
            {
                candidates.Add(
                    new(
                        pid,
                        startTime,
                        _files.CountFolders($"/proc/{pid}/task") ?? LeastRoom,
                        KnownOf(pid)?.Key.StartTime == startTime,
                        GroupOf(pid, cgroups)
                    )
                );
            }
            else if (reading.Unreadable is not null)
            {
                Keep(pid, reading, KnownOf(pid), vms);
            }
        }

        return candidates;
    }

    private Dictionary<int, int> ShareOut(List<VmCandidate> candidates, double? uptime)
    {
        var rooms = VmShares.Of(candidates);
        LeftOut = candidates.Count - rooms.Count;
        _isOver = false;
        _sharedAt = uptime;
        return rooms;
    }

    private void Keep(int pid, ProcessReading reading, ObservedVm? known, List<ObservedVm> vms)
    {
        if (reading.Or(known) is { } kept)
        {
            // The kernel's own threads have been collected anew.
            vms.Add(
                kept with
                {
                    Threads = kept.Threads.RemoveAll(thread => thread.IsKernelProcess),
                }
            );
        }
        else if (reading.IsWorthAnotherLook)
        {
            _processes.LookAgain(pid);
        }
    }

    private string GroupOf(int pid, CgroupHierarchy? cgroups) =>
        cgroups is not null
        && _files.ReadOnePiece($"/proc/{pid}/cgroup", out var content).IsSuccess
        && ProcCgroup.TryParse(content, cgroups.Mount.IsV1, out var path)
            ? cgroups.Pods.Locate(path).Path
            : "";

    private ObservedVm? KnownOf(int pid) => QemuChanges.Find(_last, pid);
}
