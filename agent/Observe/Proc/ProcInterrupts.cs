using System.Buffers.Text;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using PinAgent.Model.Text;

namespace PinAgent.Observe.Proc;

/// <summary>One line of <c>/proc/interrupts</c>.</summary>
/// <param name="Number">The interrupt's number; null for the architecture's own: local timers, calls between CPUs.</param>
/// <param name="Name">Who handles it, printable; the line's rest where nobody does.</param>
/// <param name="Counts">How often it has fired, by CPU; CPUs where it never has are left out.</param>
internal sealed record InterruptLine(
    int? Number,
    string Name,
    IReadOnlyDictionary<int, long> Counts
)
{
    // Every CPU has these of its own, under a number on some architectures, and no setting moves them: Arm's timers and
    // counters, Xen's events, and the timer of old PCs.
    private static readonly ImmutableArray<string> OfEveryCpu =
    [
        "timer",
        "arch_timer",
        "kvm guest vtimer",
        "kvm guest ptimer",
        "arm-pmu",
        "xen-percpu",
    ];

    /// <summary>Whether a device raises it.</summary>
    public bool IsDevice => Number is not null && !OfEveryCpu.Contains(Name);
}

/// <summary>
/// <c>/proc/interrupts</c>: the online CPUs' names, then lines like
/// <c>24:  0  1312  PCI-MSIX-0000:00:03.0  1-edge      virtio1-input.0</c> and <c>LOC:  812  907  Local timer interrupts</c>.
/// Source: proc_interrupts(5), the kernel's <c>show_interrupts()</c>.
/// </summary>
internal static class ProcInterrupts
{
    /// <summary>Reads the lines; what isn't one is passed over.</summary>
    public static ImmutableArray<InterruptLine> Parse(ReadOnlySpan<byte> content)
    {
        var lines = ImmutableArray.CreateBuilder<InterruptLine>();
        List<int>? cpus = null;
        foreach (var range in content.Split((byte)'\n'))
        {
            if (cpus is null)
            {
                cpus = ParseCpus(content[range]);
            }
            else if (ParseLine(content[range], cpus) is { } line)
            {
                lines.Add(line);
            }
        }

        return lines.ToImmutable();
    }

    // "           CPU0       CPU1       CPU3": offline CPUs have no column.
    private static List<int> ParseCpus(ReadOnlySpan<byte> line)
    {
        var cpus = new List<int>();
        foreach (var range in line.Split((byte)' '))
        {
            if (
                line[range].StartsWith("CPU"u8)
                && int.TryParse(
                    line[range]["CPU"u8.Length..],
                    NumberStyles.None,
                    CultureInfo.InvariantCulture,
                    out var cpu
                )
            )
            {
                cpus.Add(cpu);
            }
        }

        return cpus;
    }

    private static InterruptLine? ParseLine(ReadOnlySpan<byte> line, List<int> cpus)
    {
        var colon = line.IndexOf((byte)':');
        if (colon < 0)
        {
            return null;
        }

        int? number = int.TryParse(
            line[..colon].Trim((byte)' '),
            NumberStyles.None,
            CultureInfo.InvariantCulture,
            out var parsed
        )
            ? parsed
            : null;
        var rest = line[(colon + 1)..];
        var counts = new Dictionary<int, long>();
        foreach (var cpu in cpus)
        {
            rest = rest.TrimStart((byte)' ');

            // Lines like "ERR:          0" have one number for all CPUs, which goes to the first.
            if (!Utf8Parser.TryParse(rest, out long count, out var length))
            {
                break;
            }

            rest = rest[length..];
            if (count > 0)
            {
                counts[cpu] = count;
            }
        }

        // Two blanks are before the handlers' names, and one may be within a name.
        rest = rest.Trim((byte)' ');
        var name = rest[(rest.LastIndexOf("  "u8) + 1)..].Trim((byte)' ');
        return new InterruptLine(number, Words.Printable(Encoding.UTF8.GetString(name)), counts);
    }
}
