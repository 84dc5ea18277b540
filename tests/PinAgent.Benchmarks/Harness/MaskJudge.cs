using System.Diagnostics;
using PinAgent.NativeInterop.Bpf;

namespace PinAgent.Benchmarks.Harness;

/// <summary>
/// Says when threads were given their masks, by the kernel's own word: neither by the clock of who gave them, nor by threads
/// that would have to wait for a CPU to look. Costs each system call of the machine some 30 ns where it has no probes.
/// </summary>
internal sealed class MaskJudge : IDisposable
{
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(60);

    private readonly ThreadChangeWatch _watch;
    private readonly int[] _threads;

    /// <summary>Begins to listen.</summary>
    /// <exception cref="InvalidOperationException">The kernel doesn't tell: the message says why.</exception>
    public MaskJudge(Bench bench, IEnumerable<int> threads)
    {
        _threads = [.. threads];
        var hook = Directory.Exists("/sys/bus/event_source/devices/kprobe")
            ? MaskHook.Probe
            : MaskHook.Syscalls;
        var why = ThreadChangeWatch.TryOpen(
            new(hook, Moves: false, Environment.ProcessId, [bench.TraceFolder]),
            out var watch
        );
        _watch = watch ?? throw new InvalidOperationException(why);
        if (!_watch.Follow(_threads).IsSuccess)
        {
            throw new InvalidOperationException("the kernel doesn't take whom to watch");
        }
    }

    /// <summary>When each thread was first given a mask by a process, in nanoseconds of CLOCK_MONOTONIC.</summary>
    public long[] Await(int byPid)
    {
        var given = new Dictionary<int, long>();
        var change = new ThreadChange();
        var since = Stopwatch.GetTimestamp();
        while (given.Count < _threads.Length)
        {
            if (!_watch.Next(change, s_longest - Stopwatch.GetElapsedTime(since)).IsSuccess)
            {
                throw new InvalidOperationException(
                    $"{_threads.Length - given.Count} of {_threads.Length} threads weren't pinned within {s_longest.TotalSeconds} s"
                );
            }

            if (change.Kind == ThreadChangeKind.Affinity && change.ByPid == byPid)
            {
                given.TryAdd(change.Number, (long)change.AtNanoseconds);
            }
        }

        return Array.ConvertAll(_threads, thread => given[thread]);
    }

    /// <inheritdoc/>
    public void Dispose() => _watch.Dispose();
}
