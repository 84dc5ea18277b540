using Spectre.Console;
using Spectre.Console.Rendering;

namespace PinAgent.Cli.Terminal;

/// <summary>
/// A text that is broken where there's a blank, or behind a comma as in a list of CPUs, and nowhere else: what is longer than
/// a line, like a path, stays whole for who copies it.
/// </summary>
/// <param name="spans">The text's parts, with their looks.</param>
/// <param name="hanging">How far every line but the first is indented.</param>
internal sealed class Flow((string Text, Style Style)[] spans, int hanging = 0) : IRenderable
{
    /// <summary>A blank at which no line is broken.</summary>
    public const char Glue = '\u00a0';

    public Flow(string text, int? hanging = null)
        : this([(text, Style.Plain)], hanging ?? IndentOf(text)) { }

    public Measurement Measure(RenderOptions options, int maxWidth)
    {
        var pieces = Pieces().ToList();
        return new Measurement(
            Math.Min(maxWidth, pieces.Select(piece => WidthOf(piece.Text)).DefaultIfEmpty().Max()),
            Math.Min(maxWidth, spans.Sum(span => WidthOf(span.Text)))
        );
    }

    public IEnumerable<Segment> Render(RenderOptions options, int maxWidth)
    {
        foreach (var line in Lines(maxWidth))
        {
            foreach (var (text, style) in line)
            {
                yield return new Segment(text, style);
            }

            yield return Segment.LineBreak;
        }
    }

    /// <summary>The lines.</summary>
    internal List<List<(string Text, Style Style)>> Lines(int width)
    {
        var lines = new List<List<(string, Style)>> { new() };
        var used = 0;
        foreach (var (text, style) in Pieces())
        {
            // The blank at a line's end needs no room.
            if (used > 0 && used + WidthOf(text.TrimEnd(' ')) > width && text.Trim(' ').Length > 0)
            {
                lines.Add([(new string(' ', hanging), Style.Plain)]);
                used = hanging;
            }

            lines[^1].Add((text.Replace(Glue, ' '), style));
            used += WidthOf(text);
        }

        return lines;
    }

    /// <summary>How many of the terminal's columns a text takes.</summary>
    public static int WidthOf(string text) => new Segment(text).CellCount();

    private static int IndentOf(string text) => text.Length - text.TrimStart(' ').Length;

    /// <summary>What stays together; blanks belong to what is before them, and at the beginning are an indentation.</summary>
    internal IEnumerable<(string Text, Style Style)> Pieces()
    {
        foreach (var (text, style) in spans)
        {
            var start = 0;
            for (var i = 1; i < text.Length; i++)
            {
                if (text[i] != ' ' && (text[i - 1] is ' ' or ','))
                {
                    yield return (text[start..i], style);
                    start = i;
                }
            }

            if (text.Length > start)
            {
                yield return (text[start..], style);
            }
        }
    }
}
