using System.Diagnostics;
using PinAgent.NativeInterop;
using PinAgent.NativeInterop.Bpf;
using Xunit;

namespace PinAgent.HostTests.Bpf;

/// <summary>
/// The event source in this machine's kernel. tracefs is where the machine has it, or mounted for the tests in a folder of
/// their own.
/// </summary>
internal sealed class BpfLane : IDisposable
{
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(60);

    private readonly TraceMount _trace;

    private BpfLane(ThreadChangeWatch? watch, TraceMount trace)
    {
        _trace = trace;
        Watch = watch!;
    }

    /// <summary>Where tracefs is.</summary>
    public string TraceFolder => _trace.Path;

    /// <summary>What listens.</summary>
    public ThreadChangeWatch Watch { get; }

    /// <summary>Begins to listen; without the rights for it the test is skipped.</summary>
    public static BpfLane Open(MaskHook masks, int? ownPid = null)
    {
        var trace = TraceMount.Require();
        var why = ThreadChangeWatch.TryOpen(
            new(masks, Moves: true, ownPid ?? Environment.ProcessId, [trace.Path]) { Names = true },
            out var watch
        );
        var lane = new BpfLane(watch, trace);
        if (watch is null || watch.Masks != masks)
        {
            lane.Dispose();
            Assert.Skip($"needs a kernel with BPF and this hook: {why ?? watch!.Missing}");
        }

        return lane;
    }

    /// <summary>The next change of the kind, of these numbers or of any. Others are passed over.</summary>
    public ThreadChange Next(ThreadChangeKind kind, params int[] numbers)
    {
        var change = new ThreadChange();
        var since = Stopwatch.GetTimestamp();
        do
        {
            Assert.Equal(
                Errno.None,
                Watch.Next(change, s_longest - Stopwatch.GetElapsedTime(since)).Errno
            );
        } while (change.Kind != kind || (numbers.Length > 0 && !numbers.Contains(change.Number)));

        return change;
    }

    /// <summary>What has happened until now, of this kind.</summary>
    public List<(int Number, int ByPid)> Waiting(ThreadChangeKind kind)
    {
        var found = new List<(int, int)>();
        var change = new ThreadChange();
        while (Watch.Next(change, TimeSpan.Zero).IsSuccess)
        {
            if (change.Kind == kind)
            {
                found.Add((change.Number, change.ByPid));
            }
        }

        return found;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Watch?.Dispose();
        _trace.Dispose();
    }
}
