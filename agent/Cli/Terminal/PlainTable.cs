using Spectre.Console;
using Spectre.Console.Rendering;

namespace PinAgent.Cli.Terminal;

/// <summary>
/// A table without lines, as kubectl's. Where it's wider than the terminal, columns that say little are left out, then the
/// widest are broken at blanks and commas; and where that isn't enough, each row becomes a few lines that name the columns.
/// </summary>
internal sealed class PlainTable(params string[] columns) : IRenderable
{
    private const int Gap = 2;

    // As wide a text is easily read, and as wide a list of CPUs.
    private const int Easy = 20;
    private const int Narrow = 12;

    private readonly List<Cell[]> _rows = [];

    /// <summary>The columns that are left out where there's no room, in this order.</summary>
    public string[] LeaveOut { get; init; } = [];

    /// <summary>How many rows there are.</summary>
    public int RowCount => _rows.Count;

    /// <summary>Adds a row of as many cells as there are columns.</summary>
    public void AddRow(params Cell[] cells) => _rows.Add(cells);

    public Measurement Measure(RenderOptions options, int maxWidth) => new(1, maxWidth);

    public IEnumerable<Segment> Render(RenderOptions options, int maxWidth)
    {
        var widths = columns.Select((_, column) => Cells(column).Max(Flow.WidthOf)).ToArray();
        var shown = Enumerable.Range(0, columns.Length).ToList();
        var fits = TryShrink(widths, shown, maxWidth, Easy);
        foreach (var name in LeaveOut)
        {
            if (!fits)
            {
                shown.Remove(Array.IndexOf(columns, name));
                fits = TryShrink(widths, shown, maxWidth, Easy);
            }
        }

        return fits || TryShrink(widths, shown, maxWidth, Narrow)
            ? _rows
                .Prepend([.. columns.Select(column => new Cell(column))])
                .SelectMany(row => Aligned(row, shown, widths))
            : _rows
                .Select(row => Named(row, shown))
                .Prepend(new Flow(columns[shown[0]]))
                .SelectMany(row => row.Render(options, maxWidth));
    }

    // The widest first, as far as each still has room for its longest word. Nothing is changed where that isn't enough.
    private bool TryShrink(int[] widths, List<int> shown, int width, int narrowest)
    {
        var least = columns
            .Select(
                (_, column) => Math.Max(Math.Min(widths[column], narrowest), LongestPiece(column))
            )
            .ToArray();
        if (Sum(least, shown) > width)
        {
            return false;
        }

        while (Sum(widths, shown) is var sum && sum > width)
        {
            var widest = shown
                .Where(column => widths[column] > least[column])
                .OrderByDescending(column => widths[column])
                .Take(2)
                .ToArray();
            // Down to the next widest at once.
            var next = widest.Length > 1 ? widths[widest[1]] - 1 : 0;
            widths[widest[0]] = Math.Max(
                Math.Max(least[widest[0]], next),
                widths[widest[0]] - (sum - width)
            );
        }

        return true;
    }

    private static IEnumerable<Segment> Aligned(Cell[] row, List<int> shown, int[] widths)
    {
        var cells = shown
            .Select(column =>
                new Flow([(row[column].Text, row[column].Style)]).Lines(widths[column])
            )
            .ToList();
        for (var line = 0; line < cells.Max(lines => lines.Count); line++)
        {
            var missing = 0;
            foreach (var (lines, column) in cells.Zip(shown))
            {
                if (missing > 0)
                {
                    yield return Segment.Padding(missing);
                }

                List<(string Text, Style Style)> parts = line < lines.Count ? lines[line] : [];
                foreach (var (text, style) in parts)
                {
                    yield return new Segment(text, style);
                }

                missing = widths[column] + Gap - parts.Sum(part => Flow.WidthOf(part.Text));
            }

            yield return Segment.LineBreak;
        }
    }

    // The first cell is what the row is of.
    private Flow Named(Cell[] row, List<int> shown) =>
        new(
            [
                (row[shown[0]].Text, row[shown[0]].Style),
                .. shown
                    .Skip(1)
                    .Select(column =>
                        (
                            $"  {columns[column].Trim()}{Flow.Glue}{row[column].Text}",
                            row[column].Style
                        )
                    ),
            ],
            hanging: 4
        );

    private IEnumerable<string> Cells(int column) =>
        _rows.Select(row => row[column].Text).Prepend(columns[column]);

    private static int Sum(int[] widths, List<int> shown) =>
        shown.Sum(column => widths[column]) + (Gap * (shown.Count - 1));

    private int LongestPiece(int column) =>
        Cells(column)
            .SelectMany(text => new Flow(text).Pieces())
            .Select(piece => Flow.WidthOf(piece.Text.TrimEnd(' ')))
            .DefaultIfEmpty()
            .Max();
}

/// <summary>A cell of a table.</summary>
internal readonly record struct Cell(string Text, Style Style)
{
    public Cell(string text)
        : this(text, Style.Plain) { }

    public static implicit operator Cell(string text) => new(text);
}
