using PinAgent.Cli.Look;

namespace PinAgent.Cli.Top;

/// <summary>What somebody in front of <c>pinagent top</c> has chosen, and what a key makes of it. Pure.</summary>
internal sealed record TopState(TopOrder Order, VmFilter Filter, int First = 0)
{
    private const int LongestFilter = 60;

    /// <summary>Whether keys are letters of the filter at the moment.</summary>
    public bool IsTyping { get; init; }

    /// <summary>Whether it's over.</summary>
    public bool IsDone { get; init; }

    /// <summary>What the last line says.</summary>
    public string Footer =>
        IsTyping
            ? $" filter: {Filter.Text}▏  Enter: keep   Esc: all"
            : $" q quit   s sort: {Order.ToString().ToLowerInvariant()}   / filter"
                + (Filter.Text.Length > 0 ? $": {Filter.Text}   Esc: all" : "")
                + (First > 0 ? $"   from row {First + 1}" : "   ↓ PgDn")
                + " ";

    /// <summary>The state after a key.</summary>
    /// <param name="rows">How many rows there are.</param>
    /// <param name="page">How many are seen at once.</param>
    public TopState After(ConsoleKeyInfo key, int rows, int page)
    {
        if (key.Key == ConsoleKey.Escape)
        {
            return this with { IsTyping = false, Filter = Filter with { Text = "" }, First = 0 };
        }

        return IsTyping ? Typed(key) : Pressed(key, Math.Max(0, rows - 1), Math.Max(1, page));
    }

    private TopState Typed(ConsoleKeyInfo key) =>
        key.Key switch
        {
            ConsoleKey.Enter => this with { IsTyping = false },
            ConsoleKey.Backspace => this with
            {
                Filter = Filter with { Text = Filter.Text is [.. var rest, _] ? rest : "" },
            },
            _ when !char.IsControl(key.KeyChar) && Filter.Text.Length < LongestFilter => this with
            {
                Filter = Filter with { Text = Filter.Text + key.KeyChar },
                First = 0,
            },
            _ => this,
        };

    private TopState Pressed(ConsoleKeyInfo key, int last, int page) =>
        (key.Key, key.KeyChar) switch
        {
            (_, 'q' or 'Q') => this with { IsDone = true },
            (_, '/') => this with { IsTyping = true },
            (_, 's') => Sorted((TopOrder)(((int)Order + 1) % Enum.GetValues<TopOrder>().Length)),
            (_, 'p') => Sorted(TopOrder.Pain),
            (_, 'v') => Sorted(TopOrder.Vm),
            (_, 'c') => Sorted(TopOrder.Cpu),
            (_, 'm') => Sorted(TopOrder.Moves),
            (ConsoleKey.DownArrow, _) or (_, 'j') => From(First + 1),
            (ConsoleKey.UpArrow, _) or (_, 'k') => From(First - 1),
            (ConsoleKey.PageDown, _) or (_, ' ') => From(First + page),
            (ConsoleKey.PageUp, _) => From(First - page),
            (ConsoleKey.Home, _) => From(0),
            (ConsoleKey.End, _) => From(last - page + 1),
            _ => this,
        };

    private TopState Sorted(TopOrder order) => this with { Order = order, First = 0 };

    private TopState From(int row) => this with { First = row };

    /// <summary>The state, not scrolled beyond the rows that there are.</summary>
    public TopState Within(int rows) =>
        this with
        {
            First = Math.Clamp(First, 0, Math.Max(0, rows - 1)),
        };
}
