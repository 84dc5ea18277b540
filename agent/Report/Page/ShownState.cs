using PinAgent.Report.Status;
using PinAgent.Report.Timeline;
using PinAgent.Report.Waits;

namespace PinAgent.Report.Page;

/// <summary>What the page is of: the same object as long as it would show the same. Safe for use by several threads.</summary>
internal sealed class ShownState(WaitHistory waits, NodeTimeline timeline)
{
    private readonly Lock _lock = new();
    private (PublishedStatus Status, object Waits, object Timeline)? _last;
    private object _state = new();

    /// <summary>The state with this status.</summary>
    public object Of(PublishedStatus status)
    {
        lock (_lock)
        {
            var now = (status, waits.Stamp, timeline.Stamp);
            if (_last != now)
            {
                (_last, _state) = (now, new());
            }

            return _state;
        }
    }
}
