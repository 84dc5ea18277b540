using System.Collections.Immutable;
using System.Text;
using PinAgent.Model.Vm;
using PinAgent.Observe.Files;

namespace PinAgent.Observe.Qemu;

/// <summary>
/// The threads of one process as they are found, up to a bound: those that run vCPUs and I/O before all others. The rest are
/// counted.
/// </summary>
internal sealed class FoundThreads
{
    private readonly List<ThreadAsNamed> _threads;
    private readonly int _maxOthers;
    private readonly int _room;
    private readonly int _maxNamed;
    private int _others;
    private int _named;

    /// <summary>Begins.</summary>
    /// <param name="guest">What the command line says of the guest: a vCPU can't be beyond it.</param>
    /// <param name="room">How many threads may be kept.</param>
    /// <param name="expected">How many there seem to be.</param>
    public FoundThreads(GuestCpus guest, int room, int expected)
    {
        _threads = new(Math.Clamp(expected, 0, room));
        _room = room;
        _maxNamed = MaxNamed(guest);

        // Where the room doesn't do for all, it's for vCPUs and I/O threads.
        _maxOthers = Math.Clamp(room - 1 - VcpusOf(guest), 0, Bounds.OtherThreads + VcpusOf(guest));
    }

    /// <summary>The most threads of a VM that are kept: one is the emulator.</summary>
    public static int Most(GuestCpus guest) =>
        1 + MaxNamed(guest) + Bounds.OtherThreads + VcpusOf(guest);

    /// <summary>The threads, with their names.</summary>
    public IReadOnlyList<ThreadAsNamed> Threads => _threads;

    /// <summary>How many there are beyond those that are kept.</summary>
    public long LeftOut { get; set; }

    /// <summary>Whether a vCPU or I/O thread is among those left out.</summary>
    public bool LacksNamed { get; private set; }

    /// <summary>Whether there is none.</summary>
    public bool IsEmpty => _threads.Count == 0;

    /// <summary>Whether any is named as a vCPU.</summary>
    public bool HasNamedVcpus =>
        _threads.Exists(thread =>
            thread.Name.What is ThreadName.Kind.Vcpu or ThreadName.Kind.AllVcpus
        );

    /// <summary>Whether there's room for another one; counts it if there isn't. For the emulator there always is.</summary>
    public bool HasRoomFor(ThreadName name, bool isEmulator)
    {
        if (isEmulator)
        {
            return true;
        }

        var isNamed =
            name.What
            is ThreadName.Kind.Vcpu
                or ThreadName.Kind.AllVcpus
                or ThreadName.Kind.IoThread;
        if (_threads.Count < _room && (isNamed ? _named++ < _maxNamed : _others++ < _maxOthers))
        {
            return true;
        }

        LeftOut++;
        LacksNamed |= isNamed;
        return false;
    }

    /// <summary>Keeps one.</summary>
    public void Add(ThreadAsNamed thread) => _threads.Add(thread);

    /// <summary>Says that a thread runs a vCPU.</summary>
    public void SetVcpu(int i, int vcpu) =>
        _threads[i] = _threads[i] with
        {
            Thread = _threads[i].Thread with { Role = ThreadRole.Vcpu, Index = vcpu },
        };

    /// <summary>Keeps the first ones only, and counts the others.</summary>
    public void KeepFirst(int most)
    {
        if (_threads.Count > most)
        {
            LeftOut += _threads.Count - most;
            _threads.RemoveRange(most, _threads.Count - most);
        }
    }

    /// <summary>How many run vCPUs.</summary>
    public int CountVcpus() => _threads.Count(thread => thread.Thread.Role == ThreadRole.Vcpu);

    /// <summary>How many are called like I/O threads.</summary>
    public int CountIoThreads() =>
        _threads.Count(thread => thread.Thread.Role == ThreadRole.IoThread);

    /// <summary>The threads.</summary>
    public ImmutableArray<VmThread> ToVmThreads() => [.. _threads.Select(thread => thread.Thread)];

    private static int VcpusOf(GuestCpus guest) => Math.Min(guest.Full.Vcpus, Bounds.Vcpus);

    private static int MaxNamed(GuestCpus guest) => VcpusOf(guest) + Bounds.IoThreads;
}

/// <summary>A thread, and what its name says.</summary>
internal readonly record struct ThreadAsNamed(ThreadName Name, VmThread Thread)
{
    /// <summary>A thread as it was. What is known by its files may have to be recognised anew.</summary>
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
