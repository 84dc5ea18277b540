namespace PinAgent.Benchmarks.Harness;

/// <summary>Pairs of times in milliseconds: of what the agent is measured against, and of the agent, one after the other.</summary>
internal sealed class Pairs
{
    private readonly List<double> _others = [];
    private readonly List<double> _ours = [];

    /// <summary>Adds a pair.</summary>
    public void Add(double other, double ours)
    {
        _others.Add(other);
        _ours.Add(ours);
    }

    /// <summary>The ratio of the medians, and both.</summary>
    public override string ToString() =>
        $"{Statistics.Short(_ours.Median() / _others.Median())} ×: {_ours.Spread("ms")} against {_others.Spread("ms")}";
}
