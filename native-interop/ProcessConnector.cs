using System.Buffers.Binary;
using System.Runtime.InteropServices;
using static Tmds.Linux.LibC;

namespace PinAgent.NativeInterop;

/// <summary>
/// Tells of threads as they give themselves a name, before anybody who polls can know of them. The kernel's process
/// connector announces every fork, exec, exit and name on the machine; a filter in the kernel lets only the names of QEMU's
/// vCPU and I/O threads wake us, and, if wanted, each exec.
/// </summary>
/// <remarks>
/// Sources: <c>Documentation/driver-api/connector.rst</c>, <c>include/uapi/linux/{netlink,connector,cn_proc}.h</c>,
/// <c>drivers/connector/cn_proc.c</c> of the kernel. Needs CAP_NET_ADMIN, and the host's network and PID namespaces.
/// </remarks>
public sealed class ProcessConnector : IDisposable
{
    private const int NetlinkConnector = 11;
    private const int NetlinkHeader = 16;
    private const int ConnectorHeader = 20;
    private const uint ProcIndex = 1;
    private const uint ProcValue = 1;
    private const uint Listen = 1;
    private const uint CommEvent = 0x200;
    private const uint ExecEvent = 0x2;

    // Of the event, counted from the message's begin: after the two headers, what, cpu, timestamp, and the data.
    private const int EventOffset = NetlinkHeader + ConnectorHeader;
    private const int TimestampOffset = EventOffset + 8;
    private const int TidOffset = EventOffset + 16;
    private const int PidOffset = TidOffset + 4;
    private const int NameOffset = PidOffset + 4;
    private const int MessageLength = NameOffset + 16;
    private const int LongestMessage = 4096;

    // Some ten thousand events, for a machine that starts fifty guests at once while we don't get to run.
    private const int BufferBytes = 4 * 1024 * 1024;

    private readonly EventDescriptor _events;
    private readonly byte[] _message = new byte[LongestMessage];

    /// <summary>How many processes <see cref="Mute"/> takes: a jump of the filter's language goes 255 steps at most.</summary>
    public const int MostMuted = 128;

    private ProcessConnector(EventDescriptor events) => _events = events;

    /// <summary>Begins to listen.</summary>
    /// <param name="connector">What listens; null if that failed.</param>
    /// <returns>
    /// <see cref="Errno.EPERM"/> without CAP_NET_ADMIN, <see cref="Errno.ECONNREFUSED"/> outside the host's network
    /// namespace, <see cref="Errno.EPROTONOSUPPORT"/> where the kernel has no connector.
    /// </returns>
    public static LinuxResult TryOpen(out ProcessConnector? connector)
    {
        connector = null;
        var fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NetlinkConnector);
        if (fd < 0)
        {
            return LinuxResult.FromReturnValue(fd);
        }

        // The filter comes first, so that nothing else is ever queued.
        var result = AttachFilter(fd, [], programs: false);
        result = result.IsSuccess ? SetBuffer(fd) : result;
        result = result.IsSuccess ? NetlinkAddress.Bind(fd, ProcIndex) : result;
        result = result.IsSuccess ? Subscribe(fd) : result;
        if (!result.IsSuccess)
        {
            _ = close(fd);
            return result;
        }

        result = EventDescriptor.TryCreate(fd, out var events);
        connector = events is null ? null : new ProcessConnector(events);
        return result;
    }

    /// <summary>Waits for the next name, or the next program.</summary>
    /// <param name="longest">How long to wait; null for ever.</param>
    /// <returns>
    /// <see cref="Errno.ENOBUFS"/> when names were lost: look at everything once. <see cref="Errno.ECANCELED"/> after
    /// <see cref="Stop"/>, <see cref="Errno.ETIMEDOUT"/> when there's none for so long.
    /// </returns>
    public LinuxResult Next(out NamedThread named, TimeSpan? longest = null)
    {
        while (true)
        {
            named = default;
            var result = _events.Read(_message, out var length, longest);
            if (!result.IsSuccess || TryParse(_message.AsSpan(0, length), out named))
            {
                return result;
            }
        }
    }

    /// <summary>
    /// Hears nothing of these processes from now on, and of all others: the kernel drops what they name before it wakes
    /// anybody. What has been queued still comes.
    /// </summary>
    /// <param name="pids">The processes, <see cref="MostMuted"/> at most.</param>
    /// <param name="programs">Whether processes are told of that begin another program, which no filter can tell apart.</param>
    public LinuxResult Mute(ReadOnlySpan<int> pids, bool programs = false) =>
        AttachFilter(_events.Fd, pids, programs);

    /// <summary>Hears nothing for a while; the kernel keeps what it can.</summary>
    /// <returns><see cref="Errno.ECANCELED"/> after <see cref="Stop"/>.</returns>
    public LinuxResult Pause(TimeSpan length) => _events.Pause(length);

    /// <summary>Ends the wait in <see cref="Next"/>, from another thread.</summary>
    public void Stop() => _events.Stop();

    /// <inheritdoc/>
    public void Dispose() => _events.Dispose();

    /// <summary>Understands a message; false if it isn't the name of a thread.</summary>
    internal static bool TryParse(ReadOnlySpan<byte> message, out NamedThread named)
    {
        named = default;
        if (
            message.Length < MessageLength
            || Word(message, EventOffset) is not (CommEvent or ExecEvent)
        )
        {
            return false;
        }

        var isName = Word(message, EventOffset) == CommEvent;

        named = new NamedThread(
            (int)Word(message, TidOffset),
            (int)Word(message, PidOffset),
            BitConverter.ToUInt64(message[TimestampOffset..])
        )
        {
            IsProgram = !isName,
            Comm = isName ? MemoryMarshal.Read<ThreadComm>(message[NameOffset..]) : default,
        };
        return true;

        static uint Word(ReadOnlySpan<byte> bytes, int offset) =>
            BitConverter.ToUInt32(bytes[offset..]);
    }

    // Loads are big-endian whatever the machine is, so the machine's own words are compared with the bytes they would be.
    // A filter that is attached takes the place of the one before in one step.
    private static unsafe LinuxResult AttachFilter(int fd, ReadOnlySpan<int> muted, bool programs)
    {
        const ushort LoadWord = 0x20; // BPF_LD | BPF_W | BPF_ABS
        const ushort JumpIfEqual = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
        const ushort And = 0x54; // BPF_ALU | BPF_AND | BPF_K
        const ushort Return = 0x06; // BPF_RET | BPF_K
        const int Names = 8;
        ArgumentOutOfRangeException.ThrowIfGreaterThan(muted.Length, MostMuted, nameof(muted));
        var drop = Names + muted.Length + 1;
        Span<Instruction> program = stackalloc Instruction[Names + MostMuted + 2];
        program[0] = new(LoadWord, 0, 0, EventOffset);
        program[1] = new(JumpIfEqual, 1, 0, BigEndian(CommEvent));
        program[2] = new(
            JumpIfEqual,
            To(programs ? drop - 1 : drop, from: 2),
            To(drop, from: 2),
            BigEndian(ExecEvent)
        );
        program[3] = new(LoadWord, 0, 0, NameOffset);
        program[4] = new(JumpIfEqual, 2, 0, 0x43505520); // "CPU "
        program[5] = new(And, 0, 0, 0xFFFFFF00);
        program[6] = new(JumpIfEqual, 0, To(drop, from: 6), 0x494F2000); // "IO "
        program[7] = new(LoadWord, 0, 0, PidOffset);
        for (var i = 0; i < muted.Length; i++)
        {
            program[Names + i] = new(
                JumpIfEqual,
                To(drop, from: Names + i),
                0,
                BigEndian((uint)muted[i])
            );
        }

        program[drop - 1] = new(Return, 0, 0, uint.MaxValue);
        program[drop] = new(Return, 0, 0, 0);
        fixed (Instruction* first = program)
        {
            var filter = new Program((ushort)(drop + 1), first);
            return LinuxResult.FromReturnValue(
                setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(Program))
            );
        }

        static byte To(int instruction, int from) => (byte)(instruction - from - 1);

        static uint BigEndian(uint word) =>
            BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(word) : word;
    }

    private static unsafe LinuxResult SetBuffer(int fd)
    {
        // FORCE passes the limit of net.core.rmem_max, with the capability that bind(2) needs anyway.
        var bytes = BufferBytes;
        return LinuxResult.FromReturnValue(
            setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(int))
        );
    }

    private static unsafe LinuxResult Subscribe(int fd)
    {
        const int Length = NetlinkHeader + ConnectorHeader + sizeof(uint);
        const ushort Done = 3;
        var message = stackalloc byte[Length];
        var words = new Span<byte>(message, Length);
        words.Clear();
        BitConverter.TryWriteBytes(words, (uint)Length);
        BitConverter.TryWriteBytes(words[4..], Done);
        BitConverter.TryWriteBytes(words[NetlinkHeader..], ProcIndex);
        BitConverter.TryWriteBytes(words[(NetlinkHeader + 4)..], ProcValue);
        BitConverter.TryWriteBytes(words[(NetlinkHeader + 16)..], (ushort)sizeof(uint));
        BitConverter.TryWriteBytes(words[EventOffset..], Listen);
        return LinuxResult.FromReturnValue((long)send(fd, message, Length, 0));
    }

    // struct sock_filter
    private readonly record struct Instruction(ushort Code, byte IfTrue, byte IfFalse, uint Value);

    // struct sock_fprog
    private readonly unsafe struct Program(ushort length, Instruction* instructions)
    {
        public readonly ushort Length = length;
        public readonly Instruction* Instructions = instructions;
    }
}
