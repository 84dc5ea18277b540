using PinAgent.NativeInterop;

namespace PinAgent.Observe.Events;

/// <summary>
/// The threads that have named themselves and aren't looked at yet. Those that are pinned already have only to be kept and told
/// of: they wait a moment for others, a guest's next threads. Used under its owner's lock.
/// </summary>
internal sealed class NamedBatch
{
    /// <summary>How long threads that are pinned already wait for others.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromMilliseconds(10);

    private readonly HashSet<int> _processes = [];
    private List<NamedThread> _threads = [];
    private List<NamedThread> _taken = [];

    /// <summary>How many there are.</summary>
    public int Count => _threads.Count;

    /// <summary>Of how many processes they are.</summary>
    public int Processes => _processes.Count;

    /// <summary>When they are to be looked at; zero for at once.</summary>
    public TimeSpan Due { get; private set; }

    /// <summary>Adds one.</summary>
    /// <param name="isPinned">Whether it's pinned already.</param>
    /// <returns>Whether whoever waits has to be told that it's sooner now.</returns>
    public bool Add(NamedThread thread, bool isPinned, TimeSpan now)
    {
        _threads.Add(thread);
        _processes.Add(thread.Pid);
        if (isPinned && _threads.Count > 1)
        {
            return false;
        }

        Due = isPinned ? now + Period : TimeSpan.Zero;
        return true;
    }

    /// <summary>Takes them; valid until the next call.</summary>
    public List<NamedThread> Take()
    {
        _taken.Clear();
        (_threads, _taken) = (_taken, _threads);
        _processes.Clear();
        return _taken;
    }
}
