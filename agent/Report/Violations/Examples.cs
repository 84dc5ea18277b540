namespace PinAgent.Report.Violations;

/// <summary>Long lists in short sentences.</summary>
internal static class Examples
{
    private const int Most = 3;

    /// <summary>The first three, and how many more there are: <c>a, b, c and 5 more</c>.</summary>
    public static string Of(IReadOnlyCollection<string> all) =>
        string.Join(", ", all.Take(Most))
        + (all.Count > Most ? $" and {all.Count - Most} more" : "");
}
