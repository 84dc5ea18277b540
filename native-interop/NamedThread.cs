using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace PinAgent.NativeInterop;

/// <summary>
/// A thread of which the kernel tells: it has just given itself a name like a vCPU's or an I/O thread's, somebody has moved it, or it's
/// a process that begins a program.
/// </summary>
/// <param name="AtNanoseconds">When, by CLOCK_MONOTONIC.</param>
public readonly record struct NamedThread(int Tid, int Pid, ulong AtNanoseconds)
{
    /// <summary>Whether it's a process that has begun another program (execve(2)).</summary>
    public bool IsProgram { get; init; }

    /// <summary>The name; empty where nobody told.</summary>
    public ThreadComm Comm { get; init; }
}

/// <summary>A thread's name as the kernel has it: up to 15 bytes and zeroes. It takes no allocation to hand it on.</summary>
[InlineArray(Length)]
public struct ThreadComm : IEquatable<ThreadComm>
{
    /// <summary>TASK_COMM_LEN of <c>include/linux/sched.h</c>.</summary>
    public const int Length = 16;

    private byte _first;

    /// <summary>The name's bytes, up to the first zero.</summary>
    [UnscopedRef]
    public readonly ReadOnlySpan<byte> Bytes
    {
        get
        {
            ReadOnlySpan<byte> all = this;
            var end = all.IndexOf((byte)0);
            return end < 0 ? all : all[..end];
        }
    }

    /// <summary>Makes one of a name, of which the rest is cut.</summary>
    public static ThreadComm Of(ReadOnlySpan<byte> name)
    {
        var comm = default(ThreadComm);
        name[..Math.Min(name.Length, Length - 1)].CopyTo(comm);
        return comm;
    }

    /// <inheritdoc/>
    public readonly bool Equals(ThreadComm other) =>
        ((ReadOnlySpan<byte>)this).SequenceEqual(other);

    /// <inheritdoc/>
    public override readonly bool Equals(object? obj) => obj is ThreadComm other && Equals(other);

    /// <inheritdoc/>
    public override readonly int GetHashCode()
    {
        var hash = default(HashCode);
        hash.AddBytes(this);
        return hash.ToHashCode();
    }

    /// <summary>Whether two names are the same.</summary>
    public static bool operator ==(ThreadComm one, ThreadComm other) => one.Equals(other);

    /// <summary>Whether two names differ.</summary>
    public static bool operator !=(ThreadComm one, ThreadComm other) => !one.Equals(other);
}
