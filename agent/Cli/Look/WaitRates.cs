using System.Collections.Frozen;
using PinAgent.Report.Status;

namespace PinAgent.Cli.Look;

/// <summary>Which share of the time between two statuses each thread waited for its CPU. Pure.</summary>
internal sealed class WaitRates
{
    private readonly FrozenDictionary<int, double> _shares;

    private WaitRates(FrozenDictionary<int, double> shares, double seconds) =>
        (_shares, Seconds) = (shares, seconds);

    /// <summary>Nothing is known yet.</summary>
    public static WaitRates None { get; } = new(FrozenDictionary<int, double>.Empty, 0);

    /// <summary>The time between the statuses.</summary>
    public double Seconds { get; }

    /// <summary>A thread's share, from 0 to 1; null if it isn't known.</summary>
    public double? Of(int tid) => _shares.TryGetValue(tid, out var share) ? share : null;

    /// <summary>The shares of the threads that are in both.</summary>
    public static WaitRates Between(NodeStatus before, NodeStatus after, TimeSpan elapsed)
    {
        var old = before
            .Vms.SelectMany(vm => vm.Threads.Select(thread => (vm.Pid, Thread: thread)))
            .Where(at => at.Thread.RunDelayNanoseconds is not null)
            .ToLookup(at => (at.Pid, at.Thread.Tid), at => at.Thread.RunDelayNanoseconds!.Value);
        var shares = new Dictionary<int, double>();
        foreach (
            var (pid, thread) in after.Vms.SelectMany(vm => vm.Threads.Select(t => (vm.Pid, t)))
        )
        {
            // A counter that went back is another thread's with the same id.
            if (
                thread.RunDelayNanoseconds is { } now
                && old[(pid, thread.Tid)].ToArray() is [var then, ..]
                && now >= then
                && elapsed > TimeSpan.Zero
            )
            {
                shares[thread.Tid] = Math.Min(1, (now - then) / 1e9 / elapsed.TotalSeconds);
            }
        }

        return new WaitRates(shares.ToFrozenDictionary(), elapsed.TotalSeconds);
    }
}
