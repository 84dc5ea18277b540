using System.Text;
using PinAgent.Model.Text;
using PinAgent.Model.Vm;
using PinAgent.Observe.Files;

namespace PinAgent.Observe.Qemu.CommandLine;

/// <summary>What a QEMU command line (<c>/proc/&lt;pid&gt;/cmdline</c>) says of its guest.</summary>
/// <param name="GuestName">From <c>-name</c>, made printable; null if there is none.</param>
/// <param name="Guest">From <c>-smp</c>; one CPU if there is none.</param>
/// <param name="Problem">Why the guest can't be understood; null if it can.</param>
/// <remarks>
/// Source: QEMU's manual, <c>-smp</c> and <c>-name</c>. Any process can have such a line, so it's read as it stands, without
/// taking it apart as a whole.
/// </remarks>
internal sealed record QemuCommandLine(string? GuestName, GuestCpus Guest, string? Problem)
{
    /// <summary>Whether QEMU was started without a machine, as libvirt does to ask what it can do.</summary>
    public bool HasNoMachine { get; private init; }

    /// <summary>Whether there's more of it than was read.</summary>
    public bool IsCut { get; private init; }

    // Options by which a QEMU can be told from other programs, whatever its file is called: no other program
    // takes two of them.
    private static readonly byte[][] TellingOptions =
    [
        .. "accel blockdev chardev cpu device machine name netdev object qmp smp"
            .Split(' ')
            .Select(Encoding.UTF8.GetBytes),
    ];

    /// <summary>Whether a program of this name is a QEMU system emulator: <c>qemu-kvm</c>, <c>qemu-system-x86_64</c>.</summary>
    /// <param name="name">A path or file name, or a thread's name, which ends after 15 bytes.</param>
    public static bool IsQemuName(ReadOnlySpan<byte> name)
    {
        name = name[(name.LastIndexOf((byte)'/') + 1)..];
        return name.SequenceEqual("qemu-kvm"u8) || name.StartsWith("qemu-system-"u8);
    }

    /// <summary>Whether the arguments look like those of a QEMU that runs a guest.</summary>
    /// <param name="content">The file's bytes: arguments, each ended by a zero.</param>
    public static bool HasQemuOptions(ReadOnlySpan<byte> content) => HasOptions(content, 2);

    /// <summary>Whether the beginning of a long command line may be that of such a QEMU.</summary>
    /// <param name="content">The file's first bytes.</param>
    public static bool MayHaveQemuOptions(ReadOnlySpan<byte> content) => HasOptions(content, 1);

    private static bool HasOptions(ReadOnlySpan<byte> content, int wanted)
    {
        var found = 0;
        foreach (var range in content.Split((byte)0))
        {
            var argument = content[range];
            if (argument is not [(byte)'-', ..])
            {
                continue;
            }

            var option = argument.TrimStart((byte)'-');
            for (var i = 0; i < TellingOptions.Length; i++)
            {
                if (option.SequenceEqual(TellingOptions[i]))
                {
                    found |= 1 << i;
                }
            }

            if (int.PopCount(found) >= wanted)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether an argument is one of the options by which a QEMU can be told from other programs.</summary>
    internal static bool IsTelling(string argument) =>
        argument.StartsWith('-')
        && Array.Exists(
            TellingOptions,
            option => Encoding.UTF8.GetString(option) == argument.TrimStart('-')
        );

    /// <summary>The program's name: the first argument.</summary>
    public static ReadOnlySpan<byte> Program(ReadOnlySpan<byte> content)
    {
        var end = content.IndexOf((byte)0);
        return end < 0 ? content : content[..end];
    }

    /// <summary>Reads a command line.</summary>
    /// <param name="content">The file's bytes: arguments, each ended by a zero.</param>
    /// <param name="isWhole">Whether that is all; else the last argument may be cut short, and is passed over.</param>
    public static QemuCommandLine Parse(ReadOnlySpan<byte> content, bool isWhole = true)
    {
        var end = isWhole ? content.Length : Math.Max(content.LastIndexOf((byte)0), 0);
        content = content[..end];
        content = content.EndsWith("\0"u8) && isWhole ? content[..^1] : content;
        string? name = null;
        string? problem = null;
        string? machine = null;
        var (isNamed, hasSmp) = (false, false);
        var smp = new QemuSmp();
        ReadOnlySpan<byte> option = default;
        var isFirst = true;
        foreach (var range in content.Split((byte)0))
        {
            var argument = content[range];
            if (isFirst)
            {
                // The program.
                isFirst = false;
            }
            else if (option.IsEmpty)
            {
                option = OptionOf(argument);
            }
            else
            {
                if (option.SequenceEqual("name"u8))
                {
                    isNamed = true;
                    if (Find(argument, "guest"u8, out var guest))
                    {
                        name = guest.Length > Bounds.GuestName ? null : Text(guest);
                        problem =
                            guest.Length > Bounds.GuestName
                                ? $"QEMU's -name: expected at most {Bounds.GuestName} bytes, found {guest.Length}"
                                : null;
                    }
                }
                else if (option.SequenceEqual("smp"u8))
                {
                    hasSmp = true;
                    smp.Read(argument);
                }
                else if (Find(argument, "type"u8, out var type))
                {
                    // Types have about twenty letters; a longer text is none that is known here.
                    machine = type.Length > Bounds.GuestName ? "" : Text(type);
                }

                option = default;
            }
        }

        var cpus = smp.ToGuest(machine ?? "", out var smpProblem);
        return new QemuCommandLine(
            string.IsNullOrEmpty(name) ? null : Words.Printable(name),
            cpus ?? GuestCpus.One,
            !isWhole && !(isNamed && hasSmp)
                ? $"QEMU's command line has more than {Bounds.CommandLine / 1024} KiB, and no "
                    + $"{(hasSmp ? "-name" : isNamed ? "-smp" : "-name and no -smp")} among the first: give these options first"
                : problem ?? smpProblem
        )
        {
            HasNoMachine = machine == "none",
            IsCut = !isWhole,
        };
    }

    // Those of which the value is read.
    private static ReadOnlySpan<byte> OptionOf(ReadOnlySpan<byte> argument)
    {
        var name =
            argument.StartsWith("--"u8) ? argument[2..]
            : argument.StartsWith("-"u8) ? argument[1..]
            : default;
        return
            name.SequenceEqual("name"u8)
            || name.SequenceEqual("smp"u8)
            || name.SequenceEqual("machine"u8)
            || name.SequenceEqual("M"u8)
            ? name
            : default;
    }

    // The last value of a key; the first value may stand alone.
    private static bool Find(
        ReadOnlySpan<byte> text,
        ReadOnlySpan<byte> wanted,
        out ReadOnlySpan<byte> found
    )
    {
        found = default;
        var isFound = false;
        var values = new QemuOptionValues(text);
        while (values.MoveNext(wanted))
        {
            if (values.Key.SequenceEqual(wanted))
            {
                found = values.Value;
                isFound = true;
            }
        }

        return isFound;
    }

    private static string Text(ReadOnlySpan<byte> value) =>
        Encoding.UTF8.GetString(value).Replace(",,", ",", StringComparison.Ordinal);
}
