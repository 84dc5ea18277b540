using System.Buffers;
using System.Text.Json;
using PinAgent.Report.Metrics;

namespace PinAgent.Report.Status;

/// <summary>
/// The one owner of the node's current status. A pass puts its result here; readers take what is current, or wait for
/// the next, and none of them can hold up a pass.
/// </summary>
internal sealed class StatusStore(TimeProvider time)
{
    private static readonly JsonWriterOptions WriterOptions = new()
    {
        Encoder = ReportJsonContext.Compact.Options.Encoder,
    };

    private readonly ArrayBufferWriter<byte> _buffer = new();
    private readonly TaskCompletionSource _first = PublishedStatus.NewSource();

    // Tells one agent's statuses from those of the one before it.
    private readonly long _start = time.GetUtcNow().ToUnixTimeMilliseconds();
    private PublishedStatus? _current;
    private NodeStatus? _put;
    private long _lastPass = time.GetTimestamp();
    private PassCounters _counters = PassCounters.None;
    private int _changes;

    /// <summary>The current status; null before the first whole pass.</summary>
    public PublishedStatus? Current => Volatile.Read(ref _current);

    /// <summary>What the passes since the agent's start add up to.</summary>
    public PassCounters Counters => Volatile.Read(ref _counters);

    /// <summary>How long ago the last pass came to its end; before the first one, how long ago the agent started.</summary>
    public TimeSpan SinceLastPass => time.GetElapsedTime(Volatile.Read(ref _lastPass));

    /// <summary>Takes a pass's result. Only the loop calls it. What says the same as before is no change.</summary>
    /// <param name="figures">What was counted of the pass.</param>
    public void Put(NodeStatus status, PassFigures figures)
    {
        var before = _current;
        Volatile.Write(ref _counters, _counters.With(figures, before?.Status, SinceLastPass));
        Volatile.Write(ref _lastPass, time.GetTimestamp());
        if (ReferenceEquals(_put, status))
        {
            return;
        }

        _put = status;
        _buffer.ResetWrittenCount();
        using (var writer = new Utf8JsonWriter(_buffer, WriterOptions))
        {
            JsonSerializer.Serialize(writer, status, ReportJsonContext.Compact.NodeStatus);
        }

        if (before is not null && before.Json.Span.SequenceEqual(_buffer.WrittenSpan))
        {
            return;
        }

        Volatile.Write(
            ref _current,
            new PublishedStatus(
                status,
                _buffer.WrittenSpan.ToArray(),
                $"\"{_start:x}-{++_changes:x}\""
            )
        );
        (before?.Replaced ?? _first).SetResult();
    }

    /// <summary>Waits until the current status is another than the one seen, and returns it.</summary>
    /// <param name="seen">
    /// The tag of the status that the reader has; null if it has none. A tag, so that a slow reader doesn't keep the
    /// status itself.
    /// </param>
    public async Task<PublishedStatus> NextAsync(string? seen, CancellationToken stop)
    {
        while (true)
        {
            var current = Current;
            if (current is not null && current.Tag != seen)
            {
                return current;
            }

            await (current?.Replaced ?? _first).Task.WaitAsync(stop);
        }
    }
}
