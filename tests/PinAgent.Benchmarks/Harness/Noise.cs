namespace PinAgent.Benchmarks.Harness;

/// <summary>Processes that are always busy.</summary>
internal sealed class Noise : IDisposable
{
    private readonly List<Child> _children;

    /// <summary>Starts them.</summary>
    /// <param name="count">How many.</param>
    /// <param name="cpus">The CPUs they may run on, in the kernel's list format.</param>
    public Noise(int count, string cpus) =>
        _children = [
            .. Enumerable
                .Range(0, count)
                .Select(_ => Child.Start("taskset", "-c", cpus, "sh", "-c", "while :; do :; done")),
        ];

    public void Dispose() => _children.ForEach(child => child.Dispose());
}
