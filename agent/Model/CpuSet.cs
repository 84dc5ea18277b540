using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Numerics;
using System.Text;

namespace PinAgent.Model;

/// <summary>
/// An immutable set of CPU ids, written as the kernel writes it: <c>0-3,8,10-11</c>, and the empty set as
/// nothing. Source: cpuset(7), FORMATS, List format; printed by the kernel's <c>bitmap_list_string()</c>.
/// </summary>
[SuppressMessage(
    "Naming",
    "CA1710:Identifiers should have correct suffix",
    Justification = "cpuset is the kernel's word."
)]
public sealed class CpuSet : IEquatable<CpuSet>, IEnumerable<int>
{
    /// <summary>
    /// The largest CPU id accepted. Linux is built for at most 8,192 CPUs on x86-64; this leaves room and
    /// still keeps a hostile list from asking for gigabytes.
    /// </summary>
    public const int MaxId = 65_535;

    private const int BitsPerWord = 64;

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
    public static CpuSet Of(params IEnumerable<int> ids)
    {
        var words = new List<ulong>();
        foreach (var id in ids)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(id, nameof(ids));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(id, MaxId, nameof(ids));
            while (words.Count <= id / BitsPerWord)
            {
                words.Add(0);
            }

            words[id / BitsPerWord] |= 1UL << (id % BitsPerWord);
        }

        return new CpuSet(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(words));
    }

    /// <summary>The set of a kernel mask (see <see cref="Mask"/>). CPUs beyond <see cref="MaxId"/> are dropped.</summary>
    public static CpuSet FromMask(ReadOnlySpan<ulong> mask) =>
        new(mask[..Math.Min(mask.Length, (MaxId + 1) / BitsPerWord)]);

    /// <summary>Reads the list format, with any white space around it.</summary>
    /// <exception cref="FormatException">The text isn't a list; the message says where and why.</exception>
    public static CpuSet Parse(string text) =>
        TryParse(Encoding.UTF8.GetBytes(text), out var set, out var error)
            ? set
            : throw new FormatException(error);

    /// <inheritdoc cref="TryParse(ReadOnlySpan{byte}, out CpuSet, out string)"/>
    public static bool TryParse(
        string text,
        [NotNullWhen(true)] out CpuSet? set,
        [NotNullWhen(false)] out string? error
    ) => TryParse(Encoding.UTF8.GetBytes(text), out set, out error);

    /// <summary>Reads the list format, with any white space around it.</summary>
    /// <param name="text">For example <c>0-3,8</c> and a newline.</param>
    /// <param name="set">The set, if the text is a list.</param>
    /// <param name="error">What was expected and what was found, if it isn't.</param>
    public static bool TryParse(
        ReadOnlySpan<byte> text,
        [NotNullWhen(true)] out CpuSet? set,
        [NotNullWhen(false)] out string? error
    )
    {
        set = null;
        text = text.Trim(" \t\r\n"u8);
        if (text.IsEmpty)
        {
            (set, error) = (Empty, null);
            return true;
        }

        var words = new List<ulong>();
        foreach (var part in text.Split((byte)','))
        {
            var item = text[part];
            var dash = item.IndexOf((byte)'-');
            var firstText = dash < 0 ? item : item[..dash];
            var lastText = dash < 0 ? item : item[(dash + 1)..];
            if (!TryParseId(firstText, out var first) || !TryParseId(lastText, out var last))
            {
                error =
                    $"expected a list of CPUs like 0-3,8 with ids up to {MaxId}, found {Quote(text)}";
                return false;
            }

            if (last < first)
            {
                error = $"expected ranges that go up, found {first}-{last} in {Quote(text)}";
                return false;
            }

            while (words.Count <= last / BitsPerWord)
            {
                words.Add(0);
            }

            for (var id = first; id <= last; id++)
            {
                words[id / BitsPerWord] |= 1UL << (id % BitsPerWord);
            }
        }

        set = new CpuSet(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(words));
        error = null;
        return true;
    }

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

    /// <summary>Whether the set is exactly this one CPU.</summary>
    public bool IsOnly(int id) => Count == 1 && Contains(id);

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

    /// <summary>The set in the kernel's list format.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        for (var first = NextFrom(0); first >= 0; )
        {
            var last = first;
            while (Contains(last + 1))
            {
                last++;
            }

            text.Append(text.Length == 0 ? "" : ",")
                .Append(CultureInfo.InvariantCulture, $"{first}");
            if (last > first)
            {
                text.Append(CultureInfo.InvariantCulture, $"-{last}");
            }

            first = NextFrom(last + 1);
        }

        return text.ToString();
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

    private static bool TryParseId(ReadOnlySpan<byte> text, out int id)
    {
        // Digits only: int.TryParse would let signs and spaces in.
        id = 0;
        return text.Length is > 0 and <= 9
            && text.IndexOfAnyExceptInRange((byte)'0', (byte)'9') < 0
            && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out id)
            && id <= MaxId;
    }

    private static string Quote(ReadOnlySpan<byte> text)
    {
        const int Shown = 60;
        var cut = text.Length > Shown;
        return $"\"{Encoding.UTF8.GetString(cut ? text[..Shown] : text)}{(cut ? "…" : "")}\"";
    }
}
