using PinAgent.Model.Vm;
using PinAgent.NativeInterop;
using PinAgent.Observe.Files;
using PinAgent.Observe.Proc;

namespace PinAgent.Observe.Qemu;

/// <summary>Reads the threads of a QEMU, and tells which of them run vCPUs.</summary>
/// <param name="kvmVcpus">Tells vCPUs where names don't.</param>
internal sealed class QemuThreads(HostFiles files, IAffinityReader affinity, KvmVcpuFiles kvmVcpus)
{
    private readonly List<int> _tids = [];

    /// <summary>Reads them, the oldest first as far as there are more than the bound.</summary>
    /// <param name="guest">What the command line says of the guest.</param>
    /// <param name="room">How many may be kept.</param>
    /// <param name="known">The VM as it was; null to read all.</param>
    /// <param name="renamed">The threads that are read although they are known; null to read all.</param>
    /// <returns>Null, or that they couldn't be read.</returns>
    public ProcessReading? Read(
        VmKey vm,
        GuestCpus guest,
        int room,
        ObservedVm? known,
        HashSet<int>? renamed,
        out FoundThreads found
    )
    {
        var pid = vm.Pid;
        var most = FoundThreads.Most(guest);
        var asBefore = renamed is null
            ? null
            : known
                ?.Threads.Where(thread => !thread.IsKernelProcess && !renamed.Contains(thread.Tid))
                .ToDictionary(thread => thread.Tid);
        var scanned = Math.Max(most, Bounds.ScannedThreads);
        var listed = files.ListNumbers($"/proc/{pid}/task", _tids, scanned);
        found = new FoundThreads(guest, Math.Min(room, most), _tids.Count);
        if (!listed.IsSuccess)
        {
            return ProcessReading.Failed(listed.Errno, files.Display($"/proc/{pid}/task"));
        }

        if (_tids.Count == scanned && files.CountFolders($"/proc/{pid}/task") is { } count)
        {
            found.LeftOut = Math.Max(0, count - scanned);
        }

        foreach (var tid in _tids)
        {
            if (asBefore?.GetValueOrDefault(tid) is { } before)
            {
                var same = ThreadAsNamed.Of(pid, before);
                if (found.HasRoomFor(same.Name, tid == pid))
                {
                    found.Add(same);
                }
            }
            else if (Read(pid, tid, found) is var errno && errno != Errno.None)
            {
                return ProcessReading.Failed(errno, files.Display($"/proc/{pid}/task/{tid}/stat"));
            }
        }

        return null;
    }

    /// <summary>Tells which threads run vCPUs.</summary>
    /// <returns>Why that isn't clear; null if it is.</returns>
    public Standing? FindVcpus(VmKey key, GuestCpus guest, FoundThreads found)
    {
        var threads = found.Threads;
        if (threads.Any(thread => thread.Name.What == ThreadName.Kind.AllVcpus))
        {
            return Standing.Unclear(
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
            // Two are enough to say it.
            return Standing.Unclear(
                Reason.VcpuThreadsAmbiguous,
                $"threads {string.Join(" and ", twice.Take(2).Select(thread => thread.Thread.Tid))} are both called "
                    + $"{twice.First().Thread.Comm}: expected one thread for each vCPU"
            );
        }

        if (found.LacksNamed)
        {
            return Standing.Unclear(
                Reason.Unreadable,
                $"it has {found.LeftOut} threads more than are looked at of one VM, and vCPUs or I/O threads are among them"
            );
        }

        if (threads.Any(thread => thread.Thread.Role == ThreadRole.Vcpu))
        {
            return null;
        }

        var candidates = threads
            .Where(thread => thread.Name.What is ThreadName.Kind.Other)
            .Select(thread => thread.Thread)
            .ToList();
        var problem = kvmVcpus.TryRecognise(key, guest, candidates, out var vcpuOf);
        for (var i = 0; i < threads.Count; i++)
        {
            if (vcpuOf.TryGetValue(threads[i].Thread.Tid, out var vcpu))
            {
                found.SetVcpu(i, vcpu);
            }
        }

        return problem;
    }

    /// <summary>Forgets the VMs that are no longer there.</summary>
    public void Forget(IReadOnlySet<VmKey> alive) => kvmVcpus.Forget(alive);

    // None as well where the thread has ended, or its line isn't one: that loses it, and nothing else.
    private Errno Read(int pid, int tid, FoundThreads found)
    {
        var result = files.ReadOnePiece($"/proc/{pid}/task/{tid}/stat", out var content);
        if (!result.IsSuccess)
        {
            return ProcessReading.MeansEnded(result.Errno) ? Errno.None : result.Errno;
        }

        if (!ProcStat.TryParse(content, out var stat))
        {
            return Errno.None;
        }

        var name = tid == pid ? default : ThreadName.Parse(stat.Name);
        if (found.HasRoomFor(name, tid == pid))
        {
            var scheduling = ProcStatScheduling.TryParse(content);
            var (startTime, comm) = (stat.StartTime, ThreadName.Printable(stat.Name));
            found.Add(
                new(
                    name,
                    new VmThread
                    {
                        Tid = tid,
                        StartTime = startTime,
                        Comm = comm,
                        Role = tid == pid ? ThreadRole.Emulator : name.Role,
                        Index = name.Role is ThreadRole.Vcpu or ThreadRole.IoThread
                            ? name.Number
                            : null,
                        Affinity = affinity.Read(pid, tid),
                        Scheduling = scheduling,
                    }
                )
            );
        }

        return Errno.None;
    }
}
