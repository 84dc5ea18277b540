namespace PinAgent.Observe.Events.Foreign;

/// <summary>A thread, or a process by its first one, whose changes are wanted.</summary>
/// <param name="Tid">By the machine's own number.</param>
/// <param name="Numbers">All that it has, in the PID namespaces that it's in: <c>NSpid</c> of its status.</param>
internal readonly record struct WatchedThread(int Tid, IReadOnlyList<int> Numbers);

/// <summary>Which threads a number may mean. Pure.</summary>
internal sealed class WatchedNumbers
{
    // Pods give their processes the same small numbers. More threads than that for one of them is no hint any more.
    internal const int MostForNumber = 256;

    private readonly Dictionary<int, int[]> _tids = [];
    private readonly HashSet<int> _own = [];

    /// <summary>Nobody.</summary>
    public static WatchedNumbers None { get; } = new([]);

    public WatchedNumbers(IEnumerable<WatchedThread> threads)
    {
        var found = new Dictionary<int, List<int>>();
        foreach (var (tid, numbers) in threads)
        {
            _own.Add(tid);
            foreach (var number in numbers.Append(tid).Distinct())
            {
                if (!found.TryGetValue(number, out var tids))
                {
                    found[number] = tids = [];
                }

                if (tids.Count < MostForNumber && !tids.Contains(tid))
                {
                    tids.Add(tid);
                }
            }
        }

        foreach (var (number, tids) in found)
        {
            _tids[number] = [.. tids];
        }
    }

    /// <summary>All numbers.</summary>
    public IReadOnlyCollection<int> All => _tids.Keys;

    /// <summary>The threads that a number may mean.</summary>
    /// <param name="isHostNumber">Whether it's one of the machine's own.</param>
    public ReadOnlySpan<int> ThreadsOf(int number, bool isHostNumber) =>
        isHostNumber ? (_own.Contains(number) ? new[] { number } : [])
        : _tids.TryGetValue(number, out var tids) ? tids
        : [];
}
