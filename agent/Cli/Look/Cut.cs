using PinAgent.Cli.Terminal;
using PinAgent.Model.Text;

namespace PinAgent.Cli.Look;

/// <summary>Texts that must fit into so many columns of a terminal.</summary>
internal static class Cut
{
    private const string Mark = "…";

    /// <summary>The beginning.</summary>
    public static string End(string text, int width)
    {
        text = Words.Printable(text);
        return Flow.WidthOf(text) <= width
            ? text
            : First(text, Math.Max(0, width - 1)) + (width > 0 ? Mark : "");
    }

    /// <summary>Both ends: names of the same kind often begin alike and end in what tells them apart.</summary>
    public static string Middle(string text, int width)
    {
        text = Words.Printable(text);
        if (Flow.WidthOf(text) <= width)
        {
            return text;
        }

        var front = First(text, (width - 1) / 2);
        var rest = width - 1 - Flow.WidthOf(front);
        var start = text.Length;
        for (var used = 0; start > 0; start--)
        {
            used += Flow.WidthOf(text[(start - 1)..start]);
            if (used > rest)
            {
                break;
            }
        }

        // Half of a pair of UTF-16 is no character.
        start += start < text.Length && char.IsLowSurrogate(text[start]) ? 1 : 0;
        return front + Mark + text[start..];
    }

    private static string First(string text, int width)
    {
        var (end, used) = (0, 0);
        while (end < text.Length && (used += Flow.WidthOf(text[end..(end + 1)])) <= width)
        {
            end++;
        }

        return end > 0 && char.IsHighSurrogate(text[end - 1]) ? text[..(end - 1)] : text[..end];
    }
}
