using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace PinAgent.NativeInterop.Bpf.Witness;

/// <summary>The records of <c>prove.bpf.c</c>.</summary>
internal static class WitnessLayout
{
    /// <summary>How many classes of lengths there are.</summary>
    public const int Classes = 256;

    /// <summary>How many gaps are kept of each vCPU.</summary>
    public const int Gaps = 16;

    /// <summary>How many processes are known by name on each CPU.</summary>
    public const int MostKnown = 64;

    [StructLayout(LayoutKind.Sequential)]
    internal struct Settings
    {
        public uint TaskNumber;
        public uint TaskFlags;
        public uint IsOn;
        private readonly uint _unused;

        /// <summary>Finds them in type information; zeros where something is missing.</summary>
        public static Settings Find(KernelTypes types) =>
            types.OffsetOf("task_struct"u8, "pid"u8) is { } number
            && types.OffsetOf("task_struct"u8, "flags"u8) is { } flags
                ? new() { TaskNumber = number, TaskFlags = flags }
                : default;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct Runner
    {
        public uint Tgid;
        public uint Tid;
        public uint IsKernel;
        private readonly uint _unused;
        public Name Name;

        public readonly WitnessedRunner? Told()
        {
            if (Tid == 0)
            {
                return null;
            }

            ReadOnlySpan<byte> name = Name;
            var end = name.IndexOf((byte)0);
            return new(
                (int)Tgid,
                (int)Tid,
                IsKernel != 0,
                Encoding.UTF8.GetString(end < 0 ? name : name[..end])
            );
        }
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct Stretches
    {
        public ulong Count;
        public ulong Total;
        public ulong Longest;
        public ulong Held;
        public Runner By;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct Process
    {
        public uint Cpu;
        public uint Tgid;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct Served
    {
        public ulong Since;
        public ulong Count;
        public ulong Total;
        public ulong Longest;
        public uint Number;
        public uint LongestNumber;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct Cpu
    {
        public ulong Since;
        public uint IsWatched;
        public uint Vcpu;
        public uint Known;
        public uint Tid;
        public ulong Events;
        public ulong NextTimed;
        public ulong Timed;
        public ulong Cost;
        public Stretches Rest;
        public Served Interrupts;
        public Served SoftInterrupts;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct Latency
    {
        public ulong Count;
        public ulong Total;
        public ulong Longest;
        public Lengths Classes;

        public readonly WitnessedLatency Told() => new(Count, Total, Longest, [.. Classes]);
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct Gap
    {
        public ulong Begin;
        public ulong Length;
        public ulong Held;
        public uint Why;
        public uint Cpu;
        public Runner By;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct Vcpu
    {
        public ulong Since;
        public uint Why;
        public uint IsRunning;
        public uint Tid;
        public uint IsKnown;
        public ulong Unseen;
        public ulong Held;
        public Runner By;
        public Latency Woken;
        public Latency Preempted;
        public ulong Least;
        public ulong LeastAt;
        public WorstGaps Worst;
    }

    [InlineArray(16)]
    internal struct Name
    {
        private byte _first;
    }

    [InlineArray(Classes)]
    internal struct Lengths
    {
        private ulong _first;
    }

    [InlineArray(Gaps)]
    internal struct WorstGaps
    {
        private Gap _first;
    }
}
