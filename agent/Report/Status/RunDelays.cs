using System.Text.Json;
using PinAgent.Report.Waits;

namespace PinAgent.Report.Status;

/// <summary>
/// Adds to a status how long each thread has waited for its CPU, for whoever asks, at most once in <see cref="Pace"/>:
/// many clients cost no more than one. Where a guest's owner has made thousands of threads it's done less often, so that
/// whoever asks without end costs a fiftieth of a CPU. It is no part of a status's changes.
/// </summary>
/// <param name="read">Reads one thread's wait in nanoseconds; null if it can't be had.</param>
/// <param name="waits">The shares of the time, as they are sampled; null where nobody samples.</param>
internal sealed class RunDelays(
    Func<int, ulong?> read,
    TimeProvider time,
    WaitHistory? waits = null
)
{
    /// <summary>The shares of the time, as they are sampled.</summary>
    public WaitHistory Waits { get; } = waits ?? WaitHistory.None;

    /// <summary>The shortest time between two samples.</summary>
    public static readonly TimeSpan Pace = TimeSpan.FromSeconds(1);

    /// <summary>The longest, however long a sample takes: as often as Prometheus asks, or so.</summary>
    public static readonly TimeSpan SlowestPace = TimeSpan.FromSeconds(10);

    // A sample takes no more than one part in so many of the time.
    private const int Parts = 50;

    private readonly Lock _lock = new();
    private readonly Dictionary<int, ulong?> _read = [];
    private long? _readAt;
    private TimeSpan _pace = Pace;
    private Sample? _last;

    /// <summary>A status with the waits as they are now, or were within the last second.</summary>
    public NodeStatus Add(PublishedStatus current)
    {
        lock (_lock)
        {
            return Take(current).Status;
        }
    }

    /// <summary>The same as JSON, which is written once for all who want it, and not for whoever wants metrics.</summary>
    public ReadOnlyMemory<byte> Json(PublishedStatus current)
    {
        lock (_lock)
        {
            var sample = Take(current);
            if (sample.Json.IsEmpty)
            {
                var begun = time.GetTimestamp();
                sample.Json = JsonSerializer.SerializeToUtf8Bytes(
                    sample.Status,
                    ReportJsonContext.Compact.NodeStatus
                );
                Pay(sample, time.GetElapsedTime(begun));
            }

            return sample.Json;
        }
    }

    private Sample Take(PublishedStatus current)
    {
        if (_last is not { } last || last.Of != current || time.GetElapsedTime(last.At) >= _pace)
        {
            var (begun, readAt) = (time.GetTimestamp(), _readAt);
            var status = Waits.Add(Add(current.Status, ReadOnce));
            _last = new Sample(current, time.GetTimestamp(), status, HasRead: _readAt != readAt);
            Pay(_last, time.GetElapsedTime(begun));
        }

        return _last;
    }

    private void Pay(Sample sample, TimeSpan cost)
    {
        sample.Cost += cost;
        if (sample.HasRead)
        {
            var paid = sample.Cost * Parts;
            _pace =
                paid < Pace ? Pace
                : paid > SlowestPace ? SlowestPace
                : paid;
        }
    }

    // A status that changes many times a second has no thread read as often.
    private ulong? ReadOnce(int tid)
    {
        if (_readAt is not { } at || time.GetElapsedTime(at) >= _pace)
        {
            _read.Clear();
            _readAt = time.GetTimestamp();
        }

        if (!_read.TryGetValue(tid, out var wait))
        {
            _read[tid] = wait = read(tid);
        }

        return wait;
    }

    /// <summary>A status with the waits as they are now.</summary>
    public static NodeStatus Add(NodeStatus status, Func<int, ulong?> read) =>
        status with
        {
            Vms =
            [
                .. status.Vms.Select(vm =>
                    vm with
                    {
                        Threads =
                        [
                            .. vm.Threads.Select(thread =>
                                thread with
                                {
                                    RunDelayNanoseconds = read(thread.Tid),
                                }
                            ),
                        ],
                    }
                ),
            ],
        };

    private sealed record Sample(PublishedStatus Of, long At, NodeStatus Status, bool HasRead)
    {
        public ReadOnlyMemory<byte> Json { get; set; }

        public TimeSpan Cost { get; set; }
    }
}
