using System.Buffers.Text;

namespace PinAgent.Observe.Proc;

/// <summary>
/// One line of <c>/proc/&lt;pid&gt;/stat</c> or <c>/proc/&lt;pid&gt;/task/&lt;tid&gt;/stat</c>:
/// <c>4715 (CPU 0/KVM) S 1 4711 4711 0 -1 138412096 …</c>. The name is whatever the process chose, brackets,
/// spaces and newlines included, so the fields are counted from the last bracket.
/// Source: proc_pid_stat(5); the kernel's <c>do_task_stat()</c>.
/// </summary>
internal readonly ref struct ProcStat
{
    // Fields counted from the one after the name, which is field 3 of the man page.
    private const int StateField = 0;
    private const int ParentField = 1;
    private const int FlagsField = 6;
    private const int UserTimeField = 11;
    private const int SystemTimeField = 12;
    private const int StartTimeField = 19;
    private const int ProcessorField = 36;

    // PF_KTHREAD and PF_EXITING of linux/sched.h.
    private const ulong KernelThreadFlag = 0x0020_0000;
    private const ulong ExitingFlag = 0x0000_0004;

    private readonly bool _isDead;

    private readonly ulong _flags;

    // What follows the start time.
    private readonly ReadOnlySpan<byte> _rest;

    private ProcStat(
        ReadOnlySpan<byte> name,
        bool isDead,
        int parent,
        ulong flags,
        ulong runTime,
        ulong startTime,
        ReadOnlySpan<byte> rest
    )
    {
        Name = name;
        _isDead = isDead;
        Parent = parent;
        RunTime = runTime;
        StartTime = startTime;
        _flags = flags;
        _rest = rest;
    }

    /// <summary>The thread's name (comm), at most 15 bytes for a user's thread; any bytes.</summary>
    public ReadOnlySpan<byte> Name { get; }

    /// <summary>Whether it's on its way out, or has ended and its parent hasn't asked for it yet: a zombie.</summary>
    public bool HasEnded => _isDead || (_flags & ExitingFlag) != 0;

    /// <summary>The parent's process id.</summary>
    public int Parent { get; }

    /// <summary>How long it has run, in clock ticks; all threads of a process together in the process's line.</summary>
    public ulong RunTime { get; }

    /// <summary>When the thread started, in clock ticks since boot.</summary>
    public ulong StartTime { get; }

    /// <summary>The CPU that the thread ran on last; null where the line is cut short before it.</summary>
    public int? Processor
    {
        get
        {
            var index = StartTimeField + 1;
            foreach (var range in _rest.Split((byte)' '))
            {
                if (index++ == ProcessorField)
                {
                    return TryParseNumber(_rest[range], out var number) && number <= int.MaxValue
                        ? (int)number
                        : null;
                }
            }

            return null;
        }
    }

    /// <summary>Whether the kernel made the thread for itself.</summary>
    public bool IsKernelThread => (_flags & KernelThreadFlag) != 0;

    /// <summary>Reads the line.</summary>
    /// <returns>False for anything but a whole line.</returns>
    public static bool TryParse(ReadOnlySpan<byte> content, out ProcStat stat)
    {
        stat = default;
        var open = content.IndexOf((byte)'(');
        var close = content.LastIndexOf((byte)')');
        if (open < 0 || close < open || close + 2 >= content.Length)
        {
            return false;
        }

        var fields = content[(close + 2)..];
        ulong parent = 0;
        ulong flags = 0;
        ulong userTime = 0;
        ulong systemTime = 0;
        var isDead = false;
        var index = 0;
        foreach (var range in fields.Split((byte)' '))
        {
            var field = fields[range];
            switch (index++)
            {
                case StateField:
                    isDead = field is [(byte)'Z' or (byte)'X'];
                    break;
                case ParentField when !TryParseNumber(field, out parent):
                case FlagsField when !TryParseNumber(field, out flags):
                case UserTimeField when !TryParseNumber(field, out userTime):
                case SystemTimeField when !TryParseNumber(field, out systemTime):
                    return false;
                case StartTimeField:
                    // At the end of a line cut short, the number may be cut short too.
                    if (
                        range.End.Value == fields.Length
                        || !TryParseNumber(field, out var startTime)
                        || parent > int.MaxValue
                    )
                    {
                        return false;
                    }

                    stat = new ProcStat(
                        content[(open + 1)..close],
                        isDead,
                        (int)parent,
                        flags,
                        userTime + systemTime,
                        startTime,
                        fields[(range.End.Value + 1)..]
                    );
                    return true;
                default:
                    break;
            }
        }

        return false;
    }

    private static bool TryParseNumber(ReadOnlySpan<byte> text, out ulong number) =>
        Utf8Parser.TryParse(text, out number, out var length) && length == text.Length;
}
