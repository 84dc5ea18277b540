using System.Globalization;
using System.Text;

namespace PinAgent.Report.Metrics;

/// <summary>Writes metrics in Prometheus' text format, version 0.0.4.</summary>
/// <remarks>
/// Source: <see href="https://prometheus.io/docs/instrumenting/exposition_formats/">Exposition formats</see>.
/// </remarks>
internal sealed class MetricWriter
{
    /// <summary>What every name begins with.</summary>
    public const string Prefix = "pinagent_";

    private readonly StringBuilder _text = new();
    private string _name = "";

    /// <summary>Begins a metric that goes up and down.</summary>
    /// <param name="name">The name, without the prefix.</param>
    /// <param name="help">What it counts, in one line.</param>
    public void Gauge(string name, string help) => Begin(name, "gauge", help);

    /// <summary>Begins a metric that only grows.</summary>
    /// <param name="name">The name, without the prefix; it ends in <c>_total</c>.</param>
    /// <param name="help">What it counts, in one line.</param>
    public void Counter(string name, string help) => Begin(name, "counter", help);

    /// <summary>Adds a series of the metric begun last.</summary>
    /// <param name="labels">Names and values; the values may be anything.</param>
    public void Add(double value, params ReadOnlySpan<(string Name, string Value)> labels) =>
        AddLine("", value, labels);

    /// <summary>Adds a series that is 1 if something holds, else 0.</summary>
    /// <param name="holds">Whether it holds.</param>
    public void Add(bool holds, params ReadOnlySpan<(string Name, string Value)> labels) =>
        Add(holds ? 1 : 0, labels);

    /// <summary>Writes a whole histogram.</summary>
    /// <param name="name">The name, without the prefix.</param>
    /// <param name="help">What it measures, in one line.</param>
    public void Add(string name, string help, Histogram histogram)
    {
        Begin(name, "histogram", help);
        long upTo = 0;
        foreach (var (bound, count) in Histogram.Bounds.Zip(histogram.Counts))
        {
            upTo += count;
            AddLine("_bucket", upTo, ("le", Number(bound)));
        }

        AddLine("_bucket", histogram.Counts.Sum(), ("le", "+Inf"));
        AddLine("_sum", histogram.Sum.TotalSeconds);
        AddLine("_count", histogram.Counts.Sum());
    }

    /// <inheritdoc/>
    public override string ToString() => _text.ToString();

    private void Begin(string name, string type, string help)
    {
        _name = Prefix + name;
        _text.Append("# HELP ").Append(_name).Append(' ').Append(help).Append('\n');
        _text.Append("# TYPE ").Append(_name).Append(' ').Append(type).Append('\n');
    }

    private void AddLine(
        string suffix,
        double value,
        params ReadOnlySpan<(string Name, string Value)> labels
    )
    {
        _text.Append(_name).Append(suffix);
        var separator = '{';
        foreach (var (name, text) in labels)
        {
            _text.Append(separator).Append(name).Append("=\"").Append(Escape(text)).Append('"');
            separator = ',';
        }

        _text.Append(labels.IsEmpty ? " " : "} ").Append(Number(value)).Append('\n');
    }

    private static string Escape(string text) =>
        text.Replace("\\", "\\\\", StringComparison.Ordinal)
            .Replace("\"", "\\\"", StringComparison.Ordinal)
            .Replace("\n", "\\n", StringComparison.Ordinal);

    private static string Number(double value) => value.ToString(CultureInfo.InvariantCulture);
}
