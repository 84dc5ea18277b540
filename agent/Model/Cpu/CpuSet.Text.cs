using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace PinAgent.Model.Cpu;

/// <content>The kernel's list format, read and written.</content>
internal sealed partial class CpuSet
{
    private string? _text;

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

        Span<ulong> words = stackalloc ulong[UsualWords];
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

            for (var id = first; id <= last; id++)
            {
                Add(id, ref words);
            }
        }

        set = new CpuSet(words);
        error = null;
        return true;
    }

    /// <summary>The set in the kernel's list format.</summary>
    public override string ToString() => _text ??= Format();

    private string Format()
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
