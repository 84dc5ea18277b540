using System.Collections.Immutable;
using System.Globalization;
using PinAgent.Cli.Look;
using PinAgent.Cli.Terminal;
using PinAgent.Report.Status;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace PinAgent.Cli.Top;

/// <summary>Draws <c>pinagent top</c>: the verdict, how the waits are over all, and a line for each vCPU. Pure.</summary>
internal static class TopLines
{
    private const int ShortestName = 16;
    private const int MostCpus = 12;
    private const double Much = 0.05;
    private const double Some = 0.005;

    /// <summary>The picture.</summary>
    /// <param name="first">How many rows are passed over: somebody has scrolled.</param>
    public static IRenderable Render(
        NodeStatus status,
        ImmutableArray<TopRow> rows,
        WaitRates waits,
        int width,
        int first = 0
    )
    {
        var parts = new List<IRenderable>
        {
            StatusLines.VerdictOf(status),
            new Flow(Summary(rows, waits), hanging: 2),
            new Flow(""),
        };
        if (rows.IsEmpty)
        {
            parts.Add(new Flow("No vCPU of a dedicated VM."));
            return new Rows(parts);
        }

        var columns = Columns(rows, width);
        parts.Add(Line(columns, column => column.Title, Style.Plain, Style.Plain));
        parts.AddRange(
            rows.Skip(first)
                .Select(row =>
                    Line(
                        columns,
                        column => column.Text(row),
                        StyleOf(row),
                        row.IsAway ? new Style(Color.Red) : Style.Plain
                    )
                )
        );
        return new Rows(parts);
    }

    private static string Summary(ImmutableArray<TopRow> rows, WaitRates waits)
    {
        var vms = rows.Select(row => row.Pid).Distinct().Count();
        var known = rows.Where(row => row.Waited is not null).ToList();
        var counted = $"{rows.Length} vCPUs of {vms} dedicated VMs";
        return known.Count == 0
            ? $"{counted}; how long they wait is known in a moment"
            : string.Create(
                CultureInfo.InvariantCulture,
                $"{counted}, in the last {waits.Seconds:0.0} s: worst wait {known.Max(row => row.Waited) * 100:0.0} %, "
                    + $"{known.Count(row => row.Waited >= Much)} waited more than {Much * 100:0} %"
            );
    }

    private static Column[] Columns(ImmutableArray<TopRow> rows, int width)
    {
        // What nobody knows needs no column.
        Column[] fixedOnes =
        [
            Right("VCPU", rows, row => $"{row.Index}"),
            Left("CPU", rows, row => Cut.End(row.Cpus?.ToString() ?? "gone", MostCpus)),
            Right("WAIT %", rows, row => Percent(row.Waited)),
            .. rows.Any(row => row.Stolen is not null)
                ? [Right("STEAL %", rows, row => Percent(row.Stolen))]
                : (Column[])[],
            .. rows.Any(row => row.Migrations is not null)
                ? [Right("MOVED", rows, row => row.Migrations?.ToString() ?? "-")]
                : (Column[])[],
        ];
        var used = fixedOnes.Sum(column => column.Width + 2);
        var name = Left("VM", rows, row => Model.Text.Words.Printable(row.Vm));
        var who = Left("WHO DISTURBS", rows, row => Model.Text.Words.Printable(row.Who));
        var room = Math.Max(ShortestName + 14, width - used - 2);
        var nameWidth = Math.Clamp(
            room - who.Width,
            Math.Min(name.Width, Math.Max(ShortestName, room / 2)),
            name.Width
        );
        return
        [
            name with
            {
                Width = nameWidth,
                Text = row => Cut.Middle(row.Vm, nameWidth),
            },
            .. fixedOnes,
            who with
            {
                Width = 0,
                Text = row => Cut.End(row.Who, room - nameWidth),
            },
        ];
    }

    private static Flow Line(
        Column[] columns,
        Func<Column, string> text,
        Style wait,
        Style place
    ) =>
        new([
            .. columns.Select(
                (column, at) =>
                {
                    var cell = text(column);
                    var blanks = new string(' ', Math.Max(0, column.Width - Flow.WidthOf(cell)));
                    return (
                        (
                            (at > 0 ? "  " : "") + (column.IsRight ? blanks + cell : cell + blanks)
                        ).Replace(' ', Flow.Glue),
                        column.Title switch
                        {
                            "WAIT %" => wait,
                            "CPU" => place,
                            _ => Style.Plain,
                        }
                    );
                }
            ),
        ]);

    private static Column Left(
        string title,
        ImmutableArray<TopRow> rows,
        Func<TopRow, string> text
    ) => new(title, Widest(title, rows, text), IsRight: false, text);

    private static Column Right(
        string title,
        ImmutableArray<TopRow> rows,
        Func<TopRow, string> text
    ) => new(title, Widest(title, rows, text), IsRight: true, text);

    private static int Widest(
        string title,
        ImmutableArray<TopRow> rows,
        Func<TopRow, string> text
    ) => Math.Max(title.Length, rows.Max(row => Flow.WidthOf(text(row))));

    private static string Percent(double? share) =>
        share is { } known
            ? string.Create(CultureInfo.InvariantCulture, $"{known * 100:0.0}")
            : "-";

    private static Style StyleOf(TopRow row) =>
        row.Waited switch
        {
            >= Much => new Style(Color.Red, decoration: Decoration.Bold),
            >= Some => new Style(Color.Yellow),
            _ => Style.Plain,
        };

    private sealed record Column(string Title, int Width, bool IsRight, Func<TopRow, string> Text);
}
