using System.Buffers.Text;
using System.Text;
using PinAgent.Model.Text;
using PinAgent.Model.Vm;

namespace PinAgent.Observe.Qemu;

/// <summary>
/// What a QEMU thread's name says. With <c>debug-threads=on</c> QEMU names its threads; see
/// <c>kvm_start_vcpu_thread()</c> and its siblings, and <c>iothread_complete()</c>. Any process can choose such names,
/// so a name only ever decides among the threads of one process.
/// </summary>
internal readonly record struct ThreadName(ThreadName.Kind What, int? Number)
{
    /// <summary>What the name says the thread is.</summary>
    public enum Kind
    {
        /// <summary>Nothing in particular.</summary>
        Other,

        /// <summary>vCPU <see cref="Number"/>: <c>CPU 0/KVM</c>.</summary>
        Vcpu,

        /// <summary>All vCPUs in one thread: <c>ALL CPUs/TCG</c>.</summary>
        AllVcpus,

        /// <summary>An I/O thread: <c>IO iothread1</c>.</summary>
        IoThread,

        /// <summary>A vhost worker: <c>vhost-4711</c>, <see cref="Number"/> being QEMU's process id.</summary>
        Vhost,

        /// <summary>
        /// The timer emulation: <c>kvm-pit/77</c>, <see cref="Number"/> being QEMU's process id in its own PID namespace.
        /// </summary>
        KvmPit,

        /// <summary>Made and named by the kernel inside QEMU's process: <c>kvm-nx-lpage-recovery</c>.</summary>
        Kernel,
    }

    // The kernel's own: a name of so many bytes may have been cut, and a number's end with it.
    private const int LongestName = 15;

    /// <summary>Reads a name.</summary>
    /// <param name="name">The name's bytes, without the newline.</param>
    public static ThreadName Parse(ReadOnlySpan<byte> name)
    {
        if (name.StartsWith("CPU "u8) && TryParseNumber(name[4..], out var vcpu, out var rest))
        {
            return IsAccelerator(rest) ? new(Kind.Vcpu, vcpu) : default;
        }

        if (name.StartsWith("ALL CPUs"u8) && IsAccelerator(name[8..]))
        {
            return new(Kind.AllVcpus, null);
        }

        if (name.StartsWith("IO "u8))
        {
            return name.SequenceEqual("IO mon_iothread"u8)
                ? default
                : new(Kind.IoThread, name.Length < LongestName ? IoThreadNumber(name[3..]) : null);
        }

        if (name.StartsWith("vhost-"u8))
        {
            return new(Kind.Vhost, Whole(name[6..], maxDigits: 9));
        }

        if (name.StartsWith("kvm-pit/"u8))
        {
            return new(Kind.KvmPit, Whole(name[8..], maxDigits: 9));
        }

        return name.StartsWith("kvm-nx-lpage-"u8) ? new(Kind.Kernel, null) : default;
    }

    /// <summary>The role of a thread with this name in a process where it isn't the first thread.</summary>
    public ThreadRole Role =>
        What switch
        {
            Kind.Vcpu => ThreadRole.Vcpu,
            Kind.IoThread => ThreadRole.IoThread,
            Kind.Vhost => ThreadRole.Vhost,
            Kind.KvmPit => ThreadRole.KvmPit,
            _ => ThreadRole.Helper,
        };

    /// <summary>
    /// A name fit for a terminal and for JSON: bytes that aren't UTF-8, and characters that a terminal would act on
    /// or that turn the direction of writing around, become <c>�</c>.
    /// </summary>
    public static string Printable(ReadOnlySpan<byte> name) =>
        Words.Printable(Encoding.UTF8.GetString(name));

    private static bool IsAccelerator(ReadOnlySpan<byte> text) =>
        text.Length > 1
        && text[0] == (byte)'/'
        && text[1..].IndexOfAnyExceptInRange((byte)'A', (byte)'Z') < 0;

    // libvirt numbers its I/O threads iothread1, iothread2, …; other managers choose other names.
    private static int? IoThreadNumber(ReadOnlySpan<byte> id) =>
        id.StartsWith("iothread"u8) ? Whole(id[8..], maxDigits: 5) : null;

    private static int? Whole(ReadOnlySpan<byte> text, int maxDigits) =>
        text.Length <= maxDigits
        && TryParseNumber(text, out var number, out var rest)
        && rest.IsEmpty
            ? number
            : null;

    private static bool TryParseNumber(
        ReadOnlySpan<byte> text,
        out int number,
        out ReadOnlySpan<byte> rest
    )
    {
        var digits = text.IndexOfAnyExceptInRange((byte)'0', (byte)'9');
        digits = digits < 0 ? text.Length : digits;
        rest = text[digits..];
        number = 0;
        return digits is > 0 and <= 9 && Utf8Parser.TryParse(text[..digits], out number, out _);
    }
}
