using PinAgent.Report.Map;

namespace PinAgent.Report.Page;

/// <summary>The cell of a CPU in a picture, as large as the machine lets it be.</summary>
internal sealed class SvgCell(int cpus)
{
    private const int LongestTag = 4;

    /// <summary>Whether there's room for abbreviations only.</summary>
    public bool IsShort { get; } = cpus > NodeMap.Dense;

    /// <summary>Whether there's room for a VM's letters only.</summary>
    public bool IsTiny { get; } = cpus > NodeMap.Crowded;

    /// <summary>How wide it is.</summary>
    public int Width { get; } =
        cpus <= NodeMap.Roomy ? 116
        : cpus <= NodeMap.Dense ? 84
        : cpus <= NodeMap.Crowded ? 44
        : 24;

    /// <summary>How high.</summary>
    public int Height { get; } =
        cpus <= NodeMap.Roomy ? 44
        : cpus <= NodeMap.Dense ? 36
        : cpus <= NodeMap.Crowded ? 30
        : 18;

    /// <summary>What is between two.</summary>
    public int Gap { get; } = cpus > NodeMap.Dense ? 3 : 5;

    /// <summary>The cell at a place.</summary>
    public Html Render((int X, int Y) at, SvgCellContent of)
    {
        var (x, y) = at;
        var dash = of.IsThere ? Html.None : Html.Of($""" stroke-dasharray="4 2" """);
        // Not by colour alone: what runs no vCPU is barred.
        var bar = of.IsBarred
            ? Html.Of(
                $"""<rect x="{x + 2}" y="{y + Height - 5}" width="{Width - 4}" height="3" fill="#14171a" fill-opacity="0.35"/>"""
            )
            : Html.None;
        return Html.Of(
            $"""<g><title>{of.Words}</title><rect x="{x}" y="{y}" width="{Width}" height="{Height - 1}" rx="3" fill="{of.Fill}" stroke="{of.Stroke}"{dash}/>{bar}{(IsTiny ? Letters(x + (Width / 2), y, "middle", of) : Text(x, y, of))}</g>"""
        );
    }

    private Html Text(int x, int y, SvgCellContent of) =>
        Html.Of(
            $"""<text x="{x + 4}" y="{y + 11}" font-size="10" fill="{of.Text}">{of.Id}</text>{Letters(x + Width - 4, y, "end", of)}<text x="{x + 4}" y="{y + 24}" font-size="{(IsShort ? 11 : 12)}" font-weight="600" fill="{of.Text}">{SvgText.Cut(of.Mark, Width / 7)}</text>"""
        );

    private static Html Letters(int x, int y, string anchor, SvgCellContent of) =>
        Html.Of(
            $"""<text x="{x}" y="{y + 11}" font-size="10" font-weight="700" text-anchor="{anchor}" fill="{of.Text}">{SvgText.Cut(of.Tag, LongestTag)}</text>"""
        );
}

/// <summary>What a cell shows.</summary>
/// <param name="Words">All there is to say, under the pointer.</param>
/// <param name="Id">The CPU.</param>
/// <param name="Tag">The VM's letters.</param>
/// <param name="Mark">What it's for, or how long its vCPU waited.</param>
/// <param name="IsThere">Whether what belongs there is there.</param>
/// <param name="IsBarred">Whether it's a VM's and runs none of its vCPUs.</param>
internal sealed record SvgCellContent(
    string Words,
    int Id,
    string Tag,
    string Mark,
    string Fill,
    string Text,
    string Stroke,
    bool IsThere,
    bool IsBarred
);
