using System.Buffers.Binary;
using System.Text;

namespace PinAgent.NativeInterop.Bpf;

/// <summary>What was done to a thread, and by whom: one event, whose memory is used again for the next.</summary>
/// <remarks><c>struct event</c> in <c>watch.bpf.c</c>.</remarks>
public sealed class ThreadChange
{
    /// <summary>How long the whole event is.</summary>
    internal const int LongestEvent = ShortEvent + (Levels * LevelName);

    /// <summary>How long it is without the names of the author's cgroup.</summary>
    internal const int ShortEvent = 80;

    private const int Levels = 6;
    private const int LevelName = 96;
    private const int CommLength = 16;

    private readonly byte[] _event = new byte[LongestEvent];
    private int _length;

    /// <summary>The memory that an event is read into.</summary>
    internal Span<byte> Buffer => _event;

    /// <summary>When, by CLOCK_MONOTONIC, after the call had done what it does.</summary>
    public ulong AtNanoseconds => BinaryPrimitives.ReadUInt64LittleEndian(_event);

    /// <summary>Of a mask, the first 64 CPUs that were asked for; of a move, the id of the cgroup it went to.</summary>
    public ulong Value => BinaryPrimitives.ReadUInt64LittleEndian(_event.AsSpan(8));

    /// <summary>The id of the author's cgroup of version 2; 1, its root, where only version 1 is used.</summary>
    public ulong ByCgroupId => BinaryPrimitives.ReadUInt64LittleEndian(_event.AsSpan(16));

    /// <summary>What was done.</summary>
    public ThreadChangeKind Kind => (ThreadChangeKind)Word(24);

    /// <summary>
    /// The number by which the author called the thread. Any thread with that number in any PID namespace may be meant,
    /// unless <see cref="IsHostNumber"/>.
    /// </summary>
    public int Number => (int)Word(28);

    /// <summary>The author's thread, in the machine's own PID namespace.</summary>
    public int ByTid => (int)Word(32);

    /// <summary>The author's process, in the machine's own PID namespace.</summary>
    public int ByPid => (int)Word(36);

    /// <summary>Whether the number is one of the machine's own PID namespace.</summary>
    public bool IsHostNumber => (Word(40) & 0xFFFF) != 0;

    /// <summary>The name of the author's thread, whatever its owner wrote there.</summary>
    public string ByComm => Text(48, CommLength);

    /// <summary>Of a thread that named itself, the name.</summary>
    public string Name => Text(64, CommLength);

    /// <summary>A thread that named itself, with its name.</summary>
    public NamedThread AsNamed() =>
        new(Number, ByPid, AtNanoseconds)
        {
            Comm = ThreadComm.Of(Cut(_event.AsSpan(64, CommLength))),
        };

    /// <summary>Whether <see cref="ByCgroup"/> is the whole path: of a deeper one only the last names are there.</summary>
    public bool IsWholePath => (int)(Word(40) >> 16) <= Levels;

    /// <summary>
    /// The last six names at most of the author's cgroup's path, as the kernel had it at the event; empty where the layout of
    /// the kernel's structures isn't known, or at the root.
    /// </summary>
    public string ByCgroup
    {
        get
        {
            var levels = _length < LongestEvent ? 0 : (int)Math.Min(Word(44), Levels);
            var path = new StringBuilder();
            for (var i = levels - 1; i >= 0; i--)
            {
                path.Append('/').Append(Text(ShortEvent + (i * LevelName), LevelName));
            }

            return path.ToString();
        }
    }

    /// <summary>Takes what was read into <see cref="Buffer"/>; false if that's no event.</summary>
    internal bool Accept(int length)
    {
        _length = length;
        return length is ShortEvent or LongestEvent
            && Kind is >= ThreadChangeKind.Affinity and <= ThreadChangeKind.Attach
            && Number > 0;
    }

    private uint Word(int at) => BinaryPrimitives.ReadUInt32LittleEndian(_event.AsSpan(at));

    private string Text(int at, int longest) =>
        Encoding.UTF8.GetString(Cut(_event.AsSpan(at, longest)));

    private static ReadOnlySpan<byte> Cut(ReadOnlySpan<byte> text)
    {
        var end = text.IndexOf((byte)0);
        return end < 0 ? text : text[..end];
    }
}

/// <summary>What can be done to a thread.</summary>
public enum ThreadChangeKind
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>It was given a mask.</summary>
    Affinity = 1,

    /// <summary>It was given a policy or a priority.</summary>
    Scheduling = 2,

    /// <summary>It named itself like a vCPU's or an I/O thread. Told of all processes, watched or not.</summary>
    Name = 3,

    /// <summary>It, or its process, was moved into another cgroup.</summary>
    Attach = 4,
}
