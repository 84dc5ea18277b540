using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Numerics;

namespace PinAgent.Model.Cpu;

/// <summary>
/// An immutable set of CPU ids, written as the kernel writes it: <c>0-3,8,10-11</c>, and the empty set as
/// nothing. Source: cpuset(7), FORMATS, List format; printed by the kernel's <c>bitmap_list_string()</c>.
/// </summary>
[SuppressMessage(
    "Naming",
    "CA1710:Identifiers should have correct suffix",
    Justification = "cpuset is the kernel's word."
)]
internal sealed partial class CpuSet : IEquatable<CpuSet>, IEnumerable<int>
{
    /// <summary>
    /// The largest CPU id accepted. Linux is built for at most 8,192 CPUs on x86-64; this leaves room and
    /// still keeps a hostile list from asking for gigabytes.
    /// </summary>
    public const int MaxId = 65_535;

    private const int BitsPerWord = 64;

    // Of sets made on the stack: more than most machines have CPUs.
    private const int UsualWords = 16;

    /// <summary>The set without any CPU.</summary>
    public static readonly CpuSet Empty = new([]);

    // Bit n of word n / 64 is CPU n; the last word is never zero, so equal sets have equal words.
    private readonly ulong[] _words;

    private CpuSet(ReadOnlySpan<ulong> words)
    {
        while (!words.IsEmpty && words[^1] == 0)
        {
            words = words[..^1];
        }

        _words = words.ToArray();
        Count = 0;
        foreach (var word in _words)
        {
            Count += BitOperations.PopCount(word);
        }
    }

    /// <summary>How many CPUs the set has.</summary>
    public int Count { get; }

    /// <summary>Whether the set has no CPU.</summary>
    public bool IsEmpty => Count == 0;

    /// <summary>The mask as the kernel takes it: bit <c>n</c> of word <c>n / 64</c> is CPU <c>n</c>.</summary>
    public ReadOnlySpan<ulong> Mask => _words;

    /// <summary>The lowest CPU of the set.</summary>
    /// <exception cref="InvalidOperationException">The set is empty.</exception>
    public int First =>
        IsEmpty ? throw new InvalidOperationException("The set of CPUs is empty.") : NextFrom(0);

    /// <summary>The set of the given CPUs, in any order, repeated or not.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An id is negative or beyond <see cref="MaxId"/>.</exception>
    public static CpuSet Of(params ReadOnlySpan<int> ids)
    {
        Span<ulong> words = stackalloc ulong[UsualWords];
        foreach (var id in ids)
        {
            Add(id, ref words);
        }

        return new CpuSet(words);
    }

    /// <inheritdoc cref="Of(ReadOnlySpan{int})"/>
    public static CpuSet Of(IEnumerable<int> ids)
    {
        Span<ulong> words = stackalloc ulong[UsualWords];
        foreach (var id in ids)
        {
            Add(id, ref words);
        }

        return new CpuSet(words);
    }

    /// <summary>The set of a kernel mask (see <see cref="Mask"/>). CPUs beyond <see cref="MaxId"/> are dropped.</summary>
    public static CpuSet FromMask(ReadOnlySpan<ulong> mask) =>
        new(mask[..Math.Min(mask.Length, (MaxId + 1) / BitsPerWord)]);

    /// <summary>Whether the set has this CPU.</summary>
    public bool Contains(int id) =>
        id >= 0
        && id / BitsPerWord < _words.Length
        && (_words[id / BitsPerWord] & (1UL << (id % BitsPerWord))) != 0;

    /// <summary>The CPUs of either set.</summary>
    public CpuSet Union(CpuSet other)
    {
        var (longer, shorter) =
            _words.Length >= other._words.Length ? (_words, other._words) : (other._words, _words);
        var words = longer.ToArray();
        for (var i = 0; i < shorter.Length; i++)
        {
            words[i] |= shorter[i];
        }

        return new CpuSet(words);
    }

    /// <summary>The CPUs that are in any of some sets.</summary>
    public static CpuSet UnionOf(IEnumerable<CpuSet> sets) =>
        sets.Aggregate(Empty, (all, set) => all.Union(set));

    /// <summary>The CPUs of both sets.</summary>
    public CpuSet Intersect(CpuSet other)
    {
        var words = new ulong[Math.Min(_words.Length, other._words.Length)];
        for (var i = 0; i < words.Length; i++)
        {
            words[i] = _words[i] & other._words[i];
        }

        return new CpuSet(words);
    }

    /// <summary>The CPUs of this set that the other hasn't.</summary>
    public CpuSet Except(CpuSet other)
    {
        var words = _words.ToArray();
        for (var i = 0; i < Math.Min(words.Length, other._words.Length); i++)
        {
            words[i] &= ~other._words[i];
        }

        return new CpuSet(words);
    }

    /// <summary>Whether the other set has every CPU of this one.</summary>
    public bool IsSubsetOf(CpuSet other)
    {
        for (var i = 0; i < _words.Length; i++)
        {
            var theirs = i < other._words.Length ? other._words[i] : 0;
            if ((_words[i] & ~theirs) != 0)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Whether the sets have a CPU in common.</summary>
    public bool Overlaps(CpuSet other)
    {
        for (var i = 0; i < Math.Min(_words.Length, other._words.Length); i++)
        {
            if ((_words[i] & other._words[i]) != 0)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether the set is what this mask says, whatever the mask's length.</summary>
    public bool EqualsMask(ReadOnlySpan<ulong> mask) =>
        mask.Length >= _words.Length
        && mask[.._words.Length].SequenceEqual(_words)
        && mask[_words.Length..].IndexOfAnyExcept(0UL) < 0;

    /// <inheritdoc/>
    public bool Equals(CpuSet? other) =>
        other is not null && _words.AsSpan().SequenceEqual(other._words);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as CpuSet);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = default(HashCode);
        foreach (var word in _words)
        {
            hash.Add(word);
        }

        return hash.ToHashCode();
    }

    /// <summary>The CPUs in ascending order.</summary>
    public IEnumerator<int> GetEnumerator()
    {
        for (var id = NextFrom(0); id >= 0; id = NextFrom(id + 1))
        {
            yield return id;
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private static void Add(int id, ref Span<ulong> words)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(id);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(id, MaxId);
        if (id / BitsPerWord >= words.Length)
        {
            var more = new ulong[(MaxId + 1) / BitsPerWord];
            words.CopyTo(more);
            words = more;
        }

        words[id / BitsPerWord] |= 1UL << (id % BitsPerWord);
    }

    // The lowest CPU of the set that is at least `id`, or -1.
    private int NextFrom(int id)
    {
        for (var word = id / BitsPerWord; word < _words.Length; word++)
        {
            var rest = _words[word];
            if (word == id / BitsPerWord)
            {
                rest &= ulong.MaxValue << (id % BitsPerWord);
            }

            if (rest != 0)
            {
                return (word * BitsPerWord) + BitOperations.TrailingZeroCount(rest);
            }
        }

        return -1;
    }
}
