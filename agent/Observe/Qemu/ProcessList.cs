using System.Globalization;
using PinAgent.Model;
using PinAgent.NativeInterop;
using PinAgent.Observe.Files;

namespace PinAgent.Observe.Qemu;

/// <summary>
/// The processes of the machine, and those among them that may still become a QEMU, by exec: the young ones, and those that
/// couldn't be read.
/// </summary>
internal sealed class ProcessList(HostFiles files)
{
    // QEMU creates its vCPU threads one after the other, long before a manager lets the guest run.
    private const double StartingSeconds = 10;

    private readonly Queue<int> _queue = [];
    private readonly HashSet<int> _queued = [];
    private List<int> _pids = [];
    private List<int> _pidsBefore = [];

    /// <summary>The processes, in ascending order of their ids.</summary>
    public List<int> Pids => _pids;

    /// <summary>How many are to be looked at again.</summary>
    public int Waiting => _queue.Count;

    /// <summary>Lists them anew.</summary>
    /// <exception cref="InvalidDataException">They can't be listed.</exception>
    public void Read()
    {
        var listed = files.ListNumbers($"/proc", _pidsBefore);
        if (!listed.IsSuccess)
        {
            // The list of before stays: what is on it isn't new the next time.
            _pidsBefore.Clear();
            throw new InvalidDataException(
                $"{files.Display("/proc")}: {listed.Errno.Describe()}; is --host-root right, and procfs mounted there?"
            );
        }

        (_pids, _pidsBefore) = (_pidsBefore, _pids);

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
                LookAgain(pid);
            }
        }
    }

    /// <summary>Has a process looked at again, when its turn comes.</summary>
    public void LookAgain(int pid)
    {
        if (_queued.Add(pid))
        {
            _queue.Enqueue(pid);
        }
    }

    /// <summary>The next one to be looked at again; it leaves the list.</summary>
    public int Next()
    {
        var pid = _queue.Dequeue();
        _queued.Remove(pid);
        return pid;
    }

    /// <summary>How long the machine has run, in seconds; null if that can't be read.</summary>
    public double? ReadUptime() =>
        // Seconds since boot, and idle seconds.
        files.ReadText($"/proc/uptime", out var text).IsSuccess
        && double.TryParse(
            text.Split(' ')[0],
            NumberStyles.AllowDecimalPoint,
            CultureInfo.InvariantCulture,
            out var seconds
        )
            ? seconds
            : null;

    /// <summary>Whether what started then may still be starting.</summary>
    /// <param name="startTime">In clock ticks since boot.</param>
    /// <param name="uptime">In seconds.</param>
    public static bool IsStarting(ulong startTime, double? uptime) =>
        uptime - (startTime / ClockTicks.PerSecond) < StartingSeconds;
}
