using System.Text;

namespace PinAgent.Report.Page;

/// <summary>Text and colours of pictures. Pure.</summary>
internal static class SvgText
{
    // Those of page.css.
    private static readonly string[] Colours =
    [
        "#77aadd",
        "#ee8866",
        "#44bb99",
        "#eedd88",
        "#ffaabb",
        "#bbcc33",
        "#99ddff",
        "#aaaa00",
    ];

    private static readonly (string Fill, string Text)[] Heats =
    [
        ("#ffffff", "#1a1d21"),
        ("#fdf0c4", "#14171a"),
        ("#fbd48a", "#14171a"),
        ("#f4a259", "#14171a"),
        ("#c2451f", "#ffffff"),
        ("#8c1d18", "#ffffff"),
    ];

    /// <summary>A VM's colour.</summary>
    public static string Colour(int number) => Colours[number];

    /// <summary>The colours of a level of waits.</summary>
    public static (string Fill, string Text) Heat(int level) => Heats[level];

    /// <summary>A line of text, which keeps to its own direction of writing.</summary>
    public static Html At(int x, int y, int size, string text, string weight, string colour) =>
        Html.Of(
            $"""<text x="{x}" y="{y}" font-size="{size}" font-weight="{weight}" fill="{colour}" unicode-bidi="isolate">{text}</text>"""
        );

    /// <summary>The beginning of a text that is too long.</summary>
    public static string Cut(string text, int most)
    {
        if (text.Length <= most)
        {
            return text;
        }

        var end = Math.Max(0, most - 1);
        return text[..(end > 0 && char.IsHighSurrogate(text[end - 1]) ? end - 1 : end)] + "…";
    }

    /// <summary>A sentence in lines of so many characters; ten at most.</summary>
    public static IEnumerable<string> Wrap(string text, int width)
    {
        const int MostLines = 10;
        var lines = new List<string>();
        var line = new StringBuilder();
        foreach (var word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.Length > 0 && line.Length + 1 + word.Length > width)
            {
                lines.Add(Cut(line.ToString(), width));
                line.Clear();
            }

            line.Append(line.Length > 0 ? " " : "").Append(word);
        }

        if (line.Length > 0)
        {
            lines.Add(Cut(line.ToString(), width));
        }

        return lines.Take(MostLines);
    }
}
