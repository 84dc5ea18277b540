using System.Collections.Immutable;
using System.Text;
using PinAgent.Model.Text;
using PinAgent.Model.Vm;
using PinAgent.Observe.Files;
using PinAgent.Observe.Qemu.ConfigFile;

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

    /// <summary>The files of <c>-readconfig</c>, in their order, as QEMU was told them; a character is a byte.</summary>
    public ImmutableArray<string> ConfigFiles { get; private init; } = [];

    /// <summary>Whether <c>-smp</c> or anything like it was there.</summary>
    public bool SaysCpus { get; private init; }

    /// <summary>Whether its files make no guest's topology together with the rest.</summary>
    public bool HasUnknownCpus { get; private init; }

    /// <summary>Whether QEMU was told to become another user once it has read its files.</summary>
    public bool GivesRootAway { get; private init; }

    /// <summary>Whether QEMU was told to name its threads.</summary>
    public bool NamesThreads { get; private init; }

    /// <summary>The I/O threads that it was started with.</summary>
    public NamedIoThreads IoThreads { get; private init; }

    // Options by which a QEMU can be told from other programs, whatever its file is called: no other program
    // takes two of them.
    private static readonly byte[][] TellingOptions =
    [
        .. "accel blockdev chardev cpu device machine name netdev object qmp readconfig smp"
            .Split(' ')
            .Select(Encoding.UTF8.GetBytes),
    ];

    /// <summary>Whether a program of this name is a QEMU system emulator: <c>qemu-kvm</c>, <c>qemu-virtiofs-system-x86_64</c>.</summary>
    /// <param name="name">A path or file name, or a thread's name, which ends after 15 bytes.</param>
    public static bool IsQemuName(ReadOnlySpan<byte> name)
    {
        name = name[(name.LastIndexOf((byte)'/') + 1)..];
        return name.SequenceEqual("qemu-kvm"u8)
            || (name.StartsWith("qemu-"u8) && name.IndexOf("-system-"u8) > 0);
    }

    /// <summary>Whether the arguments look like those of a QEMU that runs a guest.</summary>
    /// <param name="content">The file's bytes: arguments, each ended by a zero.</param>
    public static bool HasQemuOptions(ReadOnlySpan<byte> content) => HasOptions(content, 2);

    /// <summary>Whether the beginning of a long command line may be that of such a QEMU.</summary>
    /// <param name="content">The file's first bytes.</param>
    public static bool MayHaveQemuOptions(ReadOnlySpan<byte> content) => HasOptions(content, 1);

    /// <summary>
    /// Whether a program that isn't known by anything else is taken for a QEMU: one option more, and they come first, as they
    /// don't where a script or another program is given QEMU's.
    /// </summary>
    public static bool HasMostlyQemuOptions(ReadOnlySpan<byte> content) =>
        content.IndexOf((byte)0) is >= 0 and var end
        && content[(end + 1)..].StartsWith("-"u8)
        && HasOptions(content, 3);

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
    /// <param name="configs">What the files of <c>-readconfig</c> say, in their order; null for one that isn't known.</param>
    public static QemuCommandLine Parse(
        ReadOnlySpan<byte> content,
        bool isWhole = true,
        IReadOnlyList<QemuConfig?>? configs = null
    )
    {
        var end = isWhole ? content.Length : Math.Max(content.LastIndexOf((byte)0), 0);
        content = content[..end];
        content = content.EndsWith("\0"u8) && isWhole ? content[..^1] : content;
        var isNamed = false;
        var options = new GuestOptions();
        List<string> files = [];
        var at = 0;
        _ = TakeArgument(content, ref at);
        while (TryFindOption(content, ref at))
        {
            var option = GuestOptions.OptionOf(TakeArgument(content, ref at));
            if (option.IsEmpty || at > content.Length)
            {
                continue;
            }

            var argument = TakeArgument(content, ref at);
            if (option.SequenceEqual("readconfig"u8))
            {
                options.Add(configs?.ElementAtOrDefault(files.Count));
                files.Add(argument.Length > Bounds.Path ? "" : Encoding.Latin1.GetString(argument));
            }
            else
            {
                isNamed |= option.SequenceEqual("name"u8);
                options.Add(option, argument);
            }
        }

        var cpus = options.Smp.ToGuest(options.Machine ?? "", out var smpProblem);
        var hasUnknownCpus = configs is not null && smpProblem is not null;
        if (hasUnknownCpus)
        {
            // QEMU runs, so that a file isn't as it has read it; what is in it isn't quoted.
            smpProblem = null;
        }

        var hasSmp = options.Smp.IsGiven;
        return new QemuCommandLine(
            string.IsNullOrEmpty(options.Name) ? null : Words.Printable(options.Name),
            (cpus ?? GuestCpus.One) with
            {
                NumaNodes = options.NumaNodes,
            },
            !isWhole && !(isNamed && hasSmp)
                ? $"QEMU's command line has more than {Bounds.CommandLine / 1024} KiB, and no "
                    + $"{(hasSmp ? "-name" : isNamed ? "-smp" : "-name and no -smp")} among the first: give these options first"
                : options.Problem ?? smpProblem
        )
        {
            HasNoMachine = options.Machine == "none",
            IsCut = !isWhole,
            ConfigFiles = [.. files],
            SaysCpus = hasSmp && !hasUnknownCpus,
            HasUnknownCpus = hasUnknownCpus,
            GivesRootAway = options.GivesRootAway,
            NamesThreads = options.NamesThreads,
            IoThreads = options.IoThreads,
        };
    }

    // Skips what is no option: thousands of arguments, if a tenant likes. Beyond the end there is no further argument, and at the
    // end an empty one.
    private static bool TryFindOption(ReadOnlySpan<byte> content, ref int at)
    {
        if (at > content.Length || content[at..].StartsWith("-"u8))
        {
            return at < content.Length;
        }

        var end = content[at..].IndexOf("\0-"u8);
        at = end < 0 ? content.Length + 1 : at + end + 1;
        return end >= 0;
    }

    private static ReadOnlySpan<byte> TakeArgument(ReadOnlySpan<byte> content, ref int at)
    {
        var argument = content[at..];
        var end = argument.IndexOf((byte)0);
        at = end < 0 ? content.Length + 1 : at + end + 1;
        return end < 0 ? argument : argument[..end];
    }
}
