using Spectre.Console;

namespace PinAgent.Cli.Terminal;

/// <summary>The look of every table: no lines, as kubectl's.</summary>
internal static class Tables
{
    public static Table Plain(params string[] columns)
    {
        var table = new Table().NoBorder();
        foreach (var column in columns)
        {
            table.AddColumn(new TableColumn(column).NoWrap().PadRight(2).PadLeft(0));
        }

        return table;
    }
}
