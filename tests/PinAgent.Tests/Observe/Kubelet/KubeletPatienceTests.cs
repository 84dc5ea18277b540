using PinAgent.Observe.Kubelet;
using PinAgent.Tests.Kubernetes;
using Xunit;

namespace PinAgent.Tests.Observe.Kubelet;

public sealed class KubeletPatienceTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);

    private readonly WatchedTime _time = new();

    [Fact]
    public void What_passes_before_the_kubelet_is_asked_does_not_count()
    {
        using var patience = new KubeletPatience(Limit, _time, CancellationToken.None);

        _time.Advance(10 * Limit);
        Assert.False(patience.End.IsCancellationRequested);

        patience.Begin();
        _time.Advance(Limit - TimeSpan.FromTicks(10_000));
        Assert.False(patience.End.IsCancellationRequested);

        _time.Advance(TimeSpan.FromTicks(10_000));
        Assert.True(patience.End.IsCancellationRequested);
    }

    [Fact]
    public void Each_question_has_the_whole_of_it()
    {
        using var patience = new KubeletPatience(Limit, _time, CancellationToken.None);

        patience.Begin();
        _time.Advance(Limit / 2);
        patience.Begin();
        _time.Advance(Limit / 2);

        Assert.False(patience.End.IsCancellationRequested);
        _time.Advance(Limit / 2);
        Assert.True(patience.End.IsCancellationRequested);
    }

    [Fact]
    public async Task Who_stops_the_program_is_not_waited_for()
    {
        using var stop = new CancellationTokenSource();
        using var patience = new KubeletPatience(Limit, _time, stop.Token);

        await stop.CancelAsync();

        Assert.True(patience.End.IsCancellationRequested);
    }
}
