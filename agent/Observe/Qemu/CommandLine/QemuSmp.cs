using System.Globalization;
using System.Text;
using PinAgent.Model.Text;
using PinAgent.Model.Vm;

namespace PinAgent.Observe.Qemu.CommandLine;

/// <summary>QEMU's <c>-smp</c>: how many CPUs the guest has, and how they're arranged.</summary>
/// <remarks>
/// Sources: QEMU's manual, <c>-smp</c>; <c>machine_parse_smp_config()</c> in <c>hw/core/machine-smp.c</c> for the parts left out.
/// </remarks>
internal sealed class QemuSmp
{
    // QEMU has ten keys.
    private const int MaxKeys = 16;
    private const int MaxLength = 32;

    private readonly Dictionary<string, string> _texts = [];
    private string? _problem;

    /// <summary>Reads the option's value; where it's given several times, the last value of each key counts.</summary>
    public void Read(ReadOnlySpan<byte> text)
    {
        var values = new QemuOptionValues(text);
        while (_problem is null && values.MoveNext("cpus"u8))
        {
            Set(values.Key, values.Value);
        }
    }

    /// <summary>Whether anything has been said at all.</summary>
    public bool IsGiven { get; private set; }

    /// <summary>Says one value, as <c>-machine smp.cpus=4</c> does, and <c>[smp-opts]</c> of a file.</summary>
    public void Set(ReadOnlySpan<byte> keyText, ReadOnlySpan<byte> valueText)
    {
        IsGiven = true;
        var (key, value) = (Text(keyText), Text(valueText));
        if (_texts.Count == MaxKeys && !_texts.ContainsKey(key))
        {
            _problem ??= $"QEMU's -smp: expected at most {MaxKeys} different keys, found more";
        }
        else
        {
            _texts[key] = value;
        }
    }

    // Nothing that is meant is as long; the rest is left out, and what remains is no number.
    private static string Text(ReadOnlySpan<byte> text) =>
        text.Length <= MaxLength
            ? Words.Printable(Encoding.UTF8.GetString(text))
            : Words.Printable(Encoding.UTF8.GetString(text[..MaxLength])) + "…";

    /// <summary>The guest's CPUs; null if they can't be understood.</summary>
    /// <param name="machine">The machine's type: it decides what the parts left out are.</param>
    /// <param name="problem">Why they can't.</param>
    public GuestCpus? ToGuest(string machine, out string? problem)
    {
        problem = _problem;
        if (problem is not null)
        {
            return null;
        }

        var preferSockets = PrefersSockets(machine);
        var values = new Dictionary<string, long>();
        foreach (var (key, text) in _texts)
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
