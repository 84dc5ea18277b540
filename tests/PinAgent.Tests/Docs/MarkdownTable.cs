namespace PinAgent.Tests.Docs;

/// <summary>A table of a document.</summary>
internal static class MarkdownTable
{
    /// <summary>The table's lines.</summary>
    public static string Of(string[] columns, IEnumerable<string[]> rows) =>
        string.Join(
            '\n',
            [Row(columns), "|" + string.Concat(columns.Select(_ => "---|")), .. rows.Select(Row)]
        );

    /// <summary>The text as code; nothing for none.</summary>
    public static string Code(string text) => text.Length == 0 ? "" : $"`{text}`";

    private static string Row(string[] cells) =>
        $"| {string.Join(" | ", cells.Select(cell => cell.Replace("|", "\\|", StringComparison.Ordinal)))} |".Replace(
            "|  |",
            "| |",
            StringComparison.Ordinal
        );
}
