using System.Diagnostics.CodeAnalysis;
using System.Numerics;

namespace PinAgent.Model.Kubernetes;

/// <summary>
/// A Kubernetes resource quantity: <c>2</c>, <c>2000m</c>, <c>2e0</c>, <c>1.5Gi</c>. Exact down to 10⁻⁹, where
/// Kubernetes stops too; equal and ordered by value, shown as it was written.
/// </summary>
/// <remarks>
/// Source: Kubernetes, <c>apimachinery/pkg/api/resource/quantity.go</c> (<c>ParseQuantity</c>, <c>Value</c>,
/// <c>MilliValue</c>) and <c>suffix.go</c>. Not KubernetesClient's <c>ResourceQuantity</c>: it also takes <c>1/2</c>,
/// <c>1,000</c> and <c>1 Gi</c>, and its integers are cut off where Kubernetes rounds up. One difference is meant:
/// a quantity needs a digit, as KubeVirt's CRDs demand too, where <c>ParseQuantity</c> reads <c>+</c> as zero.
/// </remarks>
internal readonly struct Quantity : IEquatable<Quantity>, IComparable<Quantity>
{
    /// <summary>The longest text that is read.</summary>
    public const int MaxLength = 256;

    // Far beyond what anybody means, and small enough to calculate with.
    private const int MaxExponent = 1000;
    private const int NanoDigits = 9;

    private static readonly BigInteger Nano = BigInteger.Pow(10, NanoDigits);
    private static readonly BigInteger Micro = BigInteger.Pow(10, 6);
    private static readonly BigInteger MaxBinary = (BigInteger)long.MaxValue * Nano;

    private readonly BigInteger _nanos;
    private readonly string? _text;

    private Quantity(BigInteger nanos, string text)
    {
        _nanos = nanos;
        _text = text;
    }

    /// <summary>The whole number, fractions rounded away from zero: 2 for <c>1.5</c>.</summary>
    public BigInteger Value => DivideAwayFromZero(_nanos, Nano);

    /// <summary>The number of thousandths, fractions rounded away from zero: 1500 for <c>1.5</c>.</summary>
    public BigInteger MilliValue => DivideAwayFromZero(_nanos, Micro);

    /// <summary>−1, 0 or 1.</summary>
    public int Sign => _nanos.Sign;

    /// <summary>
    /// Whether it is a whole number as KubeVirt's webhook sees it: <see cref="Value"/> and <see cref="MilliValue"/>,
    /// both rounded, agree.
    /// </summary>
    /// <remarks>
    /// Source: KubeVirt, <c>vmi-create-admitter.go</c> (<c>validateCPURequestIsInteger</c>). What is less than a
    /// thousandth below a whole number passes.
    /// </remarks>
    public bool IsWhole => Value * 1000 == MilliValue;

    /// <summary>Whether the two are the same amount, however written.</summary>
    public static bool operator ==(Quantity left, Quantity right) => left.Equals(right);

    /// <summary>Whether the two are different amounts.</summary>
    public static bool operator !=(Quantity left, Quantity right) => !left.Equals(right);

    /// <summary>Whether the left one is less.</summary>
    public static bool operator <(Quantity left, Quantity right) => left.CompareTo(right) < 0;

    /// <summary>Whether the left one is more.</summary>
    public static bool operator >(Quantity left, Quantity right) => left.CompareTo(right) > 0;

    /// <summary>Whether the left one is not more.</summary>
    public static bool operator <=(Quantity left, Quantity right) => left.CompareTo(right) <= 0;

    /// <summary>Whether the left one is not less.</summary>
    public static bool operator >=(Quantity left, Quantity right) => left.CompareTo(right) >= 0;

    /// <summary>Reads a quantity.</summary>
    /// <exception cref="FormatException">It isn't one.</exception>
    public static Quantity Parse(string text) =>
        TryParse(text, out var quantity)
            ? quantity
            : throw new FormatException(
                $"expected a Kubernetes quantity such as 2, 1500m or 2Gi, found \"{text}\""
            );

    /// <summary>Reads a quantity, if it is one.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out Quantity quantity)
    {
        quantity = default;
        if (text is not { Length: > 0 and <= MaxLength })
        {
            return false;
        }

        var rest = text.AsSpan();
        var negative = rest[0] == '-';
        rest = rest[0] is '-' or '+' ? rest[1..] : rest;
        var whole = TakeDigits(ref rest);
        var fraction = rest is ['.', ..] ? TakeDigits(ref rest, skip: 1) : [];
        if (
            whole.Length + fraction.Length == 0
            || !TryReadSuffix(rest, out var binary, out var exponent)
        )
        {
            return false;
        }

        var digits = BigInteger.Parse($"0{whole}{fraction}");
        var nanos = binary
            ? BigInteger.Min(ToNanos(digits << exponent, -fraction.Length), MaxBinary)
            : ToNanos(digits, exponent - fraction.Length);
        quantity = new Quantity(negative ? -nanos : nanos, text);
        return true;
    }

    /// <inheritdoc/>
    public int CompareTo(Quantity other) => _nanos.CompareTo(other._nanos);

    /// <inheritdoc/>
    public bool Equals(Quantity other) => _nanos == other._nanos;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Quantity other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => _nanos.GetHashCode();

    /// <summary>The text it was read from.</summary>
    public override string ToString() => _text ?? "0";

    private static ReadOnlySpan<char> TakeDigits(ref ReadOnlySpan<char> rest, int skip = 0)
    {
        rest = rest[skip..];
        var end = rest.IndexOfAnyExceptInRange('0', '9');
        var digits = end < 0 ? rest : rest[..end];
        rest = rest[digits.Length..];
        return digits;
    }

    // E is 10^18 on its own and an exponent before digits.
    private static bool TryReadSuffix(ReadOnlySpan<char> suffix, out bool binary, out int exponent)
    {
        binary = suffix is [_, 'i'];
        int? power = suffix switch
        {
            "n" => -9,
            "u" => -6,
            "m" => -3,
            "" => 0,
            "k" => 3,
            "M" => 6,
            "G" => 9,
            "T" => 12,
            "P" => 15,
            "E" => 18,
            "Ki" => 10,
            "Mi" => 20,
            "Gi" => 30,
            "Ti" => 40,
            "Pi" => 50,
            "Ei" => 60,
            ['e' or 'E', .. var digits] => ReadExponent(digits),
            _ => null,
        };
        exponent = power ?? 0;
        return power is not null;
    }

    private static int? ReadExponent(ReadOnlySpan<char> text)
    {
        var digits = text is ['+' or '-', ..] ? text[1..] : text;
        if (digits.IsEmpty || digits.ContainsAnyExceptInRange('0', '9'))
        {
            return null;
        }

        // What is too small for the smallest unit is rounded up to it, however small.
        var exponent = BigInteger.Parse(text);
        return exponent > MaxExponent ? null : (int)BigInteger.Max(exponent, -MaxExponent);
    }

    // Finer than a nano is rounded up: who asks for something gets something.
    private static BigInteger ToNanos(BigInteger digits, int exponent)
    {
        var shift = exponent + NanoDigits;
        return shift >= 0
            ? digits * BigInteger.Pow(10, shift)
            : DivideAwayFromZero(digits, BigInteger.Pow(10, -shift));
    }

    private static BigInteger DivideAwayFromZero(BigInteger dividend, BigInteger divisor)
    {
        var quotient = BigInteger.DivRem(dividend, divisor, out var remainder);
        return quotient + remainder.Sign;
    }
}
