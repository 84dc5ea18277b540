using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using PinAgent.Model.Text;

namespace PinAgent.Model.Kubernetes;

/// <summary>
/// The vCPUs that <c>spec.domain.cpu.realtime.mask</c> names: <c>0-3,^1</c> is 0, 2 and 3. A number with <c>^</c> is out wherever
/// it stands; without a mask all are in.
/// </summary>
/// <remarks>Source: KubeVirt, <c>pkg/hypervisor/kvm/realtime.go</c> (<c>parseCPUMask</c>); libvirt's cpuset syntax.</remarks>
internal sealed class RealtimeMask
{
    private readonly ImmutableArray<(int First, int Last)> _in;
    private readonly ImmutableHashSet<int> _out;

    private RealtimeMask(
        ImmutableArray<(int First, int Last)> included,
        ImmutableHashSet<int> excluded
    ) => (_in, _out) = (included, excluded);

    /// <summary>Whether a vCPU is in it.</summary>
    public bool Contains(int vcpu) =>
        !_out.Contains(vcpu) && _in.Any(range => range.First <= vcpu && vcpu <= range.Last);

    /// <summary>Reads a mask.</summary>
    /// <param name="text">The mask; null or empty for all vCPUs.</param>
    /// <param name="problem">What is wrong with the text.</param>
    public static bool TryParse(
        string? text,
        [NotNullWhen(true)] out RealtimeMask? mask,
        [NotNullWhen(false)] out string? problem
    )
    {
        var included = ImmutableArray.CreateBuilder<(int, int)>();
        var excluded = ImmutableHashSet.CreateBuilder<int>();
        mask = null;
        foreach (var entry in string.IsNullOrEmpty(text) ? [] : text.Split(','))
        {
            var part = entry.AsSpan().Trim();
            if (part is ['^', .. var number] && TryParseNumber(number, out var vcpu))
            {
                excluded.Add(vcpu);
            }
            else if (TryParseRange(part, out var range))
            {
                included.Add(range);
            }
            else
            {
                problem =
                    $"expected vCPUs as in 0-3,^1, found {Words.Quote(entry)} in {Words.Quote(text!)}";
                return false;
            }
        }

        if (string.IsNullOrEmpty(text))
        {
            included.Add((0, int.MaxValue));
        }

        (mask, problem) = (
            new RealtimeMask(included.DrainToImmutable(), excluded.ToImmutable()),
            null
        );
        return true;
    }

    private static bool TryParseRange(ReadOnlySpan<char> text, out (int First, int Last) range)
    {
        range = default;
        var dash = text.IndexOf('-');
        var first = dash < 0 ? text : text[..dash];
        return TryParseNumber(first, out range.First)
            && TryParseNumber(text[(dash + 1)..], out range.Last)
            && range.First <= range.Last;
    }

    private static bool TryParseNumber(ReadOnlySpan<char> text, out int number) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
