using PinAgent.NativeInterop;
using PinAgent.Observe.Files;
using PinAgent.Observe.Proc;

namespace PinAgent.Observe.Qemu;

/// <summary>
/// Which processes could own a <c>kvm-pit/&lt;n&gt;</c>, the kernel's thread for the timer of a VM. It carries its owner's id
/// in the owner's own PID namespace, and there are as many processes with one id as there are namespaces. So each process
/// of that id that is older than the thread is a candidate, whatever it's called: not only QEMU has such a thread, and
/// what a process is called is its own to choose. Every user may read what that takes.
/// </summary>
internal sealed class PitOwners(HostFiles files)
{
    /// <summary>More processes than that aren't looked at, and then nobody's thread can be told.</summary>
    public const int MostProcesses = 32 * 1024;

    // A QEMU has some hundred. One that can't be read to its end isn't ruled out.
    private const int MostDescriptors = 4096;

    // Many candidates are as good as two.
    private const int MostOwners = 64;

    private readonly List<int> _pids = [];
    private readonly List<int> _descriptors = [];

    /// <summary>Finds the candidates.</summary>
    /// <param name="threads">Of each thread the number in its name, when it began, and the list that receives the processes.</param>
    public void Find(IReadOnlyCollection<(int Number, ulong StartTime, List<int> Owners)> threads)
    {
        if (threads.Count == 0 || !files.ListNumbers($"/proc", _pids).IsSuccess)
        {
            return;
        }

        var byNumber = threads.ToLookup(thread => thread.Number);
        foreach (var pid in _pids.Take(MostProcesses))
        {
            // A file that's gone is a process that's gone. Any other that can't be read may be of any id.
            var read = files.ReadOnePiece($"/proc/{pid}/status", out var status);
            if (read.Errno.MeansGone())
            {
                continue;
            }

            var named =
                read.IsSuccess && ProcStatus.TryParseNamespacePids(status, out var ids)
                    ? byNumber[ids[^1]]
                    : threads;
            if (named.Any() && BeganAt(pid) is { } began && !IsRuledOut(pid))
            {
                foreach (var thread in named.Where(thread => began <= thread.StartTime))
                {
                    Add(pid, thread.Owners);
                }
            }
        }

        // Whoever wasn't looked at could be anybody.
        if (_pids.Count > MostProcesses)
        {
            foreach (var thread in threads)
            {
                Add(0, thread.Owners);
            }
        }
    }

    private static void Add(int pid, List<int> owners)
    {
        if (owners.Count < MostOwners)
        {
            owners.Add(pid);
        }
    }

    // Null for the kernel's own, and for who is gone.
    private ulong? BeganAt(int pid)
    {
        var read = files.ReadOnePiece($"/proc/{pid}/stat", out var content);
        return read.IsSuccess && ProcStat.TryParse(content, out var stat)
            ? stat.IsKernelThread
                ? null
                : stat.StartTime
            : read.Errno.MeansGone()
                ? null
                : 0;
    }

    // Whoever owns such a thread has the VM open. Descriptors can be read with CAP_SYS_PTRACE only, and speak against a
    // process, never for it.
    private bool IsRuledOut(int pid)
    {
        if (
            !files.ListNumbers($"/proc/{pid}/fd", _descriptors).IsSuccess
            || _descriptors.Count is 0 or > MostDescriptors
        )
        {
            return false;
        }

        foreach (var descriptor in _descriptors)
        {
            var read = files.ReadLink($"/proc/{pid}/fd/{descriptor}", out var target);
            if (!read.IsSuccess || target.SequenceEqual("anon_inode:kvm-vm"u8))
            {
                return false;
            }
        }

        return true;
    }
}
