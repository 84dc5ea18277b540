using System.Globalization;
using System.Text;
using PinAgent.Model.Text;
using PinAgent.Model.Vm;

namespace PinAgent.Observe.Qemu;

/// <summary>What a QEMU command line (<c>/proc/&lt;pid&gt;/cmdline</c>) says of its guest.</summary>
/// <param name="GuestName">From <c>-name</c>, made printable; null if there is none.</param>
/// <param name="Guest">From <c>-smp</c>; one CPU if there is none.</param>
/// <param name="Problem">Why <c>-smp</c> can't be understood; null if it can.</param>
/// <remarks>
/// Sources: QEMU's manual, <c>-smp</c> and <c>-name</c>; <c>machine_parse_smp_config()</c> in <c>hw/core/machine-smp.c</c> for
/// the parts left out.
/// </remarks>
internal sealed record QemuCommandLine(string? GuestName, GuestCpus Guest, string? Problem)
{
    /// <summary>Whether QEMU was started without a machine, as libvirt does to ask what it can do.</summary>
    public bool HasNoMachine { get; private init; }

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
    public static bool HasQemuOptions(ReadOnlySpan<byte> content)
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

            if (int.PopCount(found) > 1)
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
    public static QemuCommandLine Parse(ReadOnlySpan<byte> content)
    {
        var arguments = Encoding.UTF8.GetString(content).Split('\0');
        string? guestName = null;
        var machine = "";
        var smp = new Dictionary<string, string>();
        for (var i = 1; i + 1 < arguments.Length; i++)
        {
            switch (
                arguments[i].StartsWith("--", StringComparison.Ordinal)
                    ? arguments[i][1..]
                    : arguments[i]
            )
            {
                case "-name":
                    guestName =
                        Options(arguments[++i], "guest").GetValueOrDefault("guest") ?? guestName;
                    break;
                case "-smp":
                    foreach (var (key, value) in Options(arguments[++i], "cpus"))
                    {
                        smp[key] = value;
                    }

                    break;
                case "-machine" or "-M":
                    machine = Options(arguments[++i], "type").GetValueOrDefault("type") ?? machine;
                    break;
                default:
                    break;
            }
        }

        var guest = GuestOf(smp, PrefersSockets(machine), out var problem);
        return new QemuCommandLine(
            string.IsNullOrEmpty(guestName) ? null : Words.Printable(guestName),
            guest ?? GuestCpus.One,
            problem
        )
        {
            HasNoMachine = machine == "none",
        };
    }

    // a,b=c,d=e where the first may leave out its key, and a comma in a value is doubled.
    private static Dictionary<string, string> Options(string text, string firstKey)
    {
        const char CommaInValue = '\u0001';
        var options = new Dictionary<string, string>();
        var parts = text.Replace(",,", CommaInValue.ToString()).Split(',');
        for (var i = 0; i < parts.Length; i++)
        {
            var equals = parts[i].IndexOf('=');
            var key =
                equals > 0 ? parts[i][..equals]
                : i == 0 ? firstKey
                : parts[i];
            options[key] = parts[i][(equals + 1)..].Replace(CommaInValue, ',');
        }

        return options;
    }

    // Until machine types 6.1, "-smp 4" meant four sockets; since 6.2, four cores.
    private static bool PrefersSockets(string machine)
    {
        var version = machine[(machine.LastIndexOf('-') + 1)..].Split('.');
        return version.Length == 2
            && int.TryParse(
                version[0],
                NumberStyles.None,
                CultureInfo.InvariantCulture,
                out var major
            )
            && int.TryParse(
                version[1],
                NumberStyles.None,
                CultureInfo.InvariantCulture,
                out var minor
            )
            && (major < 6 || (major == 6 && minor < 2));
    }

    private static GuestCpus? GuestOf(
        Dictionary<string, string> smp,
        bool preferSockets,
        out string? problem
    )
    {
        problem = null;
        var values = new Dictionary<string, long>();
        foreach (var (key, text) in smp)
        {
            if (
                !long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value)
                || value > GuestTopology.MaxVcpus
            )
            {
                problem =
                    $"QEMU's -smp: expected {key} to be a number up to {GuestTopology.MaxVcpus}, found \"{text}\"";
                return null;
            }

            values[key] = value;
        }

        var (cpus, maxCpus) = (Given("cpus"), Given("maxcpus"));
        var (sockets, cores, threads) = (Given("sockets"), Given("cores"), Given("threads"));

        // Levels between socket and core, and above sockets: absent ones count 1.
        var inSocket = Product(Given("dies"), Given("clusters"), Given("modules"));
        var aboveSocket = Product(Given("books"), Given("drawers"));
        var others = Product(inSocket, aboveSocket);
        var total = maxCpus > 0 ? maxCpus : cpus;
        if (total == 0)
        {
            (sockets, cores, threads) = (
                Math.Max(sockets, 1),
                Math.Max(cores, 1),
                Math.Max(threads, 1)
            );
        }
        else if (preferSockets && sockets == 0)
        {
            (cores, threads) = (Math.Max(cores, 1), Math.Max(threads, 1));
            sockets = total / (others * cores * threads);
        }
        else if (cores == 0)
        {
            (sockets, threads) = (Math.Max(sockets, 1), Math.Max(threads, 1));
            cores = total / (others * sockets * threads);
        }
        else if (sockets == 0)
        {
            threads = Math.Max(threads, 1);
            sockets = total / (others * cores * threads);
        }

        threads = threads > 0 ? threads : total / Product(others, sockets, cores);
        sockets *= aboveSocket;
        cores *= inSocket;
        var product = sockets * cores * threads;
        maxCpus = total > 0 ? total : product;
        cpus = cpus > 0 ? cpus : maxCpus;

        // QEMU wants the product to be maxcpus; old versions only warned where it was between cpus and maxcpus.
        if (!GuestTopology.IsValid(sockets, cores, threads) || cpus > product || product > maxCpus)
        {
            problem =
                $"QEMU's -smp: expected at least one and at most {GuestTopology.MaxVcpus} CPUs, those enabled among "
                + $"them and no more than maxcpus, found {sockets}×{cores}×{threads} with {cpus} of {maxCpus} enabled";
            return null;
        }

        return new GuestCpus(new GuestTopology((int)sockets, (int)cores, (int)threads), (int)cpus);

        long Given(string key) => values.GetValueOrDefault(key);
    }

    // Left-out levels count 1. A product far beyond any guest stays just beyond: it must not overflow.
    private static long Product(params ReadOnlySpan<long> levels)
    {
        long product = 1;
        foreach (var level in levels)
        {
            product = Math.Min(product * Math.Max(level, 1), GuestTopology.MaxVcpus + 1L);
        }

        return product;
    }
}
