namespace PinAgent.Benchmarks.Harness;

/// <summary>What many measurements come down to.</summary>
internal static class Statistics
{
    /// <summary>The value that a share of the values are no greater than.</summary>
    /// <param name="values">The values, in any order.</param>
    /// <param name="share">The share, 0 to 1.</param>
    public static double Quantile(this IEnumerable<double> values, double share)
    {
        double[] sorted = [.. values.Order()];
        return sorted[Math.Max((int)Math.Ceiling(share * sorted.Length) - 1, 0)];
    }

    /// <summary>The middle value.</summary>
    public static double Median(this IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[sorted.Length / 2] + sorted[(sorted.Length - 1) / 2]) / 2;
    }

    /// <summary>The median, with the least and the greatest value where there are others.</summary>
    public static string Spread(this IReadOnlyCollection<double> values, string unit) =>
        values.Count == 1
            ? $"{Short(values.First())} {unit}"
            : $"{Short(values.Median())} {unit} ({Short(values.Min())}–{Short(values.Max())})";

    /// <summary>A number to three digits or so.</summary>
    public static string Short(double value) =>
        Math.Abs(value) switch
        {
            >= 100 => $"{value:N0}",
            >= 10 => $"{value:0.#}",
            _ => $"{value:0.##}",
        };
}
