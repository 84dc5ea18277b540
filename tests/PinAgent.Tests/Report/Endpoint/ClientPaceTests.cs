using Microsoft.Extensions.Time.Testing;
using PinAgent.Report.Endpoint;
using Xunit;

namespace PinAgent.Tests.Report.Endpoint;

public sealed class ClientPaceTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void So_much_is_served_at_once_and_so_much_a_second()
    {
        var pace = new ClientPace(burst: 10, perSecond: 2, _time);

        for (var i = 0; i <= 10; i++)
        {
            Assert.Equal(TimeSpan.Zero, pace.Take(1));
        }

        Assert.Equal(TimeSpan.FromSeconds(0.5), pace.Take(1));
        Assert.Equal(TimeSpan.FromSeconds(1), pace.Take(1));
        _time.Advance(TimeSpan.FromSeconds(1.5));
        Assert.Equal(TimeSpan.Zero, pace.Take(0));
    }

    [Fact]
    public void What_was_rendered_is_waited_for_by_whoever_comes_next()
    {
        var pace = new ClientPace(burst: 1, perSecond: 1, _time);

        pace.Rendered(256 * 1024 * 5);

        Assert.Equal(TimeSpan.FromSeconds(4), pace.Take(1));
        _time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(TimeSpan.Zero, pace.Take(1));
    }

    [Fact]
    public async Task A_client_that_goes_waits_no_longer()
    {
        var pace = new ClientPace(burst: 1, perSecond: 1, _time);
        pace.Rendered(256 * 1024 * 5);
        using var gone = new CancellationTokenSource();

        var waiting = pace.WaitAsync(1, gone.Token).AsTask();
        Assert.False(waiting.IsCompleted);
        await gone.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
    }
}
