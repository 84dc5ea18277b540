using System.Threading.Channels;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace PinAgent.Tests.Kubernetes;

/// <summary>A clock that the test moves, and that tells which waits have begun: no test has to guess or sleep.</summary>
internal sealed class WatchedTime : FakeTimeProvider
{
    private readonly Channel<TimeSpan> _waits = Channel.CreateUnbounded<TimeSpan>();

    public override ITimer CreateTimer(
        TimerCallback callback,
        object? state,
        TimeSpan dueTime,
        TimeSpan period
    )
    {
        var timer = base.CreateTimer(callback, state, dueTime, period);
        _waits.Writer.TryWrite(dueTime);
        return timer;
    }

    /// <summary>Waits until somebody has begun to wait for so long.</summary>
    public async Task<TimeSpan> NextWaitAsync(TimeSpan least, TimeSpan most)
    {
        while (true)
        {
            var wait = await _waits.Reader.ReadAsync(TestContext.Current.CancellationToken);
            if (wait >= least && wait <= most)
            {
                return wait;
            }
        }
    }

    /// <summary>Waits until a back-off between these has begun, in seconds, and lets it pass.</summary>
    public async Task<TimeSpan> PassAsync(double least, double most)
    {
        var wait = await NextWaitAsync(TimeSpan.FromSeconds(least), TimeSpan.FromSeconds(most));
        Advance(wait);
        return wait;
    }
}
