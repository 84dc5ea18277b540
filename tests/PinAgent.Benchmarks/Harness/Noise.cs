namespace PinAgent.Benchmarks.Harness;

/// <summary>Processes that are always busy.</summary>
internal sealed class Noise : IDisposable
{
    private const string Endless = "while :; do :; done";
    private readonly List<Child> _children;

    /// <summary>Starts them.</summary>
    /// <param name="count">How many.</param>
    /// <param name="cpus">The CPUs they may run on, in the kernel's list format.</param>
    public Noise(int count, string cpus) =>
        _children = [
            .. Enumerable
                .Range(0, count)
                .Select(_ => Child.Start("taskset", "-c", cpus, "sh", "-c", Endless)),
        ];

    /// <summary>
    /// Keeps CPUs 0 and 1 from sleeping, as <c>idle=poll</c> does: processes that run where nothing else wants to, and give way to
    /// all others at once (SCHED_IDLE).
    /// </summary>
    public static Noise Awake() => new(["0", "1"]);

    private Noise(IEnumerable<string> awake) =>
        _children = [
            .. awake.Select(cpu =>
                Child.Start("taskset", "-c", cpu, "chrt", "--idle", "0", "sh", "-c", Endless)
            ),
        ];

    public void Dispose() => _children.ForEach(child => child.Dispose());
}
