using System.Runtime.InteropServices;
using System.Text;

namespace PinAgent.NativeInterop.Bpf;

/// <summary>
/// The few commands of bpf(2) and perf_event_open(2) that are needed. Descriptors are closed by whoever got them; with the last
/// one the kernel takes away what it stood for, however the process ended.
/// </summary>
/// <remarks><c>include/uapi/linux/bpf.h</c>, <c>include/uapi/linux/perf_event.h</c>.</remarks>
internal static unsafe partial class BpfCalls
{
    private const int NameLength = 16;
    private const nint PerfCloseOnExec = 8;

    /// <summary>Makes a map.</summary>
    public static LinuxResult CreateMap(string name, BpfMapDefinition definition, out int fd)
    {
        const int Length = 44;
        var attributes = stackalloc uint[Length / sizeof(uint)];
        new Span<uint>(attributes, Length / sizeof(uint)).Clear();
        attributes[0] = definition.Type;
        attributes[1] = definition.KeyLength;
        attributes[2] = definition.ValueLength;
        attributes[3] = definition.Entries;
        attributes[4] = definition.Flags;
        CopyName(name, (byte*)attributes + 28);
        return Bpf(0, attributes, Length, out fd);
    }

    /// <summary>Reads the value of a key.</summary>
    public static LinuxResult Lookup(int map, void* key, void* value) =>
        Element(1, map, key, value);

    /// <summary>Sets the value of a key.</summary>
    public static LinuxResult Update(int map, void* key, void* value) =>
        Element(2, map, key, value);

    /// <summary>Sets the values of many keys.</summary>
    /// <param name="count">Of how many; afterwards, of how many it was done.</param>
    public static LinuxResult UpdateMany(int map, void* keys, void* values, ref uint count) =>
        Batch(26, map, keys, values, ref count);

    /// <summary>Removes many keys; it ends at the first that isn't there.</summary>
    public static LinuxResult DeleteMany(int map, void* keys, ref uint count) =>
        Batch(27, map, keys, null, ref count);

    /// <summary>Loads a program.</summary>
    /// <param name="log">What the verifier says; empty for nothing.</param>
    public static LinuxResult Load(
        string name,
        BpfProgramType type,
        ReadOnlySpan<byte> code,
        Span<byte> log,
        out int fd
    )
    {
        const int Length = 64;
        fixed (byte* first = code)
        fixed (byte* text = log)
        fixed (byte* license = "Dual BSD/GPL\0"u8)
        {
            var attributes = stackalloc ulong[Length / sizeof(ulong)];
            new Span<ulong>(attributes, Length / sizeof(ulong)).Clear();
            attributes[0] = (uint)type | ((ulong)(code.Length / 8) << 32);
            attributes[1] = (ulong)first;
            attributes[2] = (ulong)license;
            attributes[3] = log.IsEmpty ? 0 : 1 | ((ulong)log.Length << 32);
            attributes[4] = (ulong)text;
            CopyName(name, (byte*)attributes + 48);
            return Bpf(5, attributes, Length, out fd);
        }
    }

    /// <summary>The key after that one.</summary>
    /// <param name="key">Null for the first.</param>
    /// <returns><see cref="Errno.ENOENT"/> after the last.</returns>
    public static LinuxResult NextKey(int map, void* key, void* next) => Element(4, map, key, next);

    /// <summary>Runs a program at each event of a tracepoint, with the tracepoint's own arguments.</summary>
    /// <param name="fd">As long as it's open.</param>
    /// <returns><see cref="Errno.EINVAL"/> where it has fewer arguments than the program reads.</returns>
    public static LinuxResult AttachRaw(string tracepoint, int program, out int fd)
    {
        var name = Encoding.ASCII.GetBytes(tracepoint + '\0');
        fixed (byte* first = name)
        {
            var attributes = stackalloc ulong[] { (ulong)first, (uint)program };
            return Bpf(17, attributes, 2 * sizeof(ulong), out fd);
        }
    }

    /// <summary>Opens a tracepoint.</summary>
    /// <param name="id">Its number in tracefs.</param>
    public static LinuxResult OpenTracepoint(ulong id, out int fd) =>
        OpenEvent(2, id, null, out fd);

    /// <summary>Opens a probe of a kernel function. It's there as long as the descriptor.</summary>
    /// <param name="type">The number of the kernel's source of probes.</param>
    /// <param name="config">Whether it's the return that is meant.</param>
    /// <returns><see cref="Errno.ENOENT"/> or <see cref="Errno.EINVAL"/> where there's no such function.</returns>
    public static LinuxResult OpenProbe(uint type, ulong config, string function, out int fd)
    {
        var name = Encoding.ASCII.GetBytes(function + '\0');
        fixed (byte* first = name)
        {
            return OpenEvent(type, config, first, out fd);
        }
    }

    /// <summary>Runs a program at each event, on all CPUs.</summary>
    public static LinuxResult Attach(int @event, int program)
    {
        const nuint SetProgram = 0x40042408; // PERF_EVENT_IOC_SET_BPF
        const nuint Enable = 0x2400; // PERF_EVENT_IOC_ENABLE
        var result = Control(@event, SetProgram, program);
        return result < 0 || Control(@event, Enable, 0) < 0 ? Failure() : LinuxResult.Success;
    }

    /// <summary>The next program in the kernel after that one.</summary>
    /// <returns><see cref="Errno.ENOENT"/> after the last.</returns>
    public static LinuxResult NextProgram(uint after, out uint next)
    {
        const int Length = 12;
        var attributes = stackalloc uint[] { after, 0, 0 };
        var result = Bpf(11, attributes, Length, out _);
        next = attributes[1];
        return result;
    }

    // One CPU's event is enough: the program is the tracepoint's or the function's own, and runs on all of them.
    private static LinuxResult OpenEvent(uint type, ulong config, byte* function, out int fd)
    {
        const int Length = 72;
        const int MostCpus = 4096;
        var attributes = stackalloc ulong[Length / sizeof(ulong)];
        new Span<ulong>(attributes, Length / sizeof(ulong)).Clear();
        attributes[0] = type | ((ulong)Length << 32);
        attributes[1] = config;
        attributes[7] = (ulong)function;
        LinuxResult result;
        var cpu = 0;
        do
        {
            fd = (int)Call(PerfEventOpen, (nint)attributes, -1, cpu, -1, PerfCloseOnExec);
            result = fd < 0 ? Failure() : LinuxResult.Success;
        } while (result.Errno == Errno.ENODEV && ++cpu < MostCpus);

        return result;
    }

    private static LinuxResult Element(int command, int map, void* key, void* value)
    {
        var attributes = stackalloc ulong[] { (uint)map, (ulong)key, (ulong)value, 0 };
        return Bpf(command, attributes, 4 * sizeof(ulong), out _);
    }

    private static LinuxResult Batch(int command, int map, void* keys, void* values, ref uint count)
    {
        var attributes = stackalloc ulong[]
        {
            0,
            0,
            (ulong)keys,
            (ulong)values,
            count | ((ulong)(uint)map << 32),
            0,
            0,
        };
        var result = Bpf(command, attributes, 7 * sizeof(ulong), out _);
        count = (uint)attributes[4];
        return result;
    }

    private static LinuxResult Bpf(int command, void* attributes, int length, out int value)
    {
        value = (int)Call(BpfNumber, command, (nint)attributes, length, 0, 0);
        return value < 0 ? Failure() : LinuxResult.Success;
    }

    private static LinuxResult Failure() => new((Errno)Marshal.GetLastPInvokeError());

    // Letters, digits, points and lines only, and an end.
    private static void CopyName(string name, byte* to) =>
        Encoding.ASCII.GetBytes(
            name.AsSpan(0, Math.Min(name.Length, NameLength - 1)),
            new Span<byte>(to, NameLength)
        );

    private static bool IsArm => RuntimeInformation.ProcessArchitecture == Architecture.Arm64;

    private static nint BpfNumber => IsArm ? 280 : 321;

    private static nint PerfEventOpen => IsArm ? 241 : 298;

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint Call(nint number, nint a, nint b, nint c, nint d, nint e);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static partial int Control(int fd, nuint request, nint argument);
}
