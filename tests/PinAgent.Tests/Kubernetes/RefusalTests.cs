using PinAgent.Kubernetes.Client;
using PinAgent.Kubernetes.Watch;
using Xunit;
using static PinAgent.Tests.Kubernetes.WatchHarness;

namespace PinAgent.Tests.Kubernetes;

/// <summary>
/// What is refused by a server that starts, and what for good. A real API server of 1.36 was seen to answer 403 to valid
/// requests for less than a second after its restart, and 410 to the watch that comes back.
/// </summary>
public sealed class RefusalTests : IAsyncDisposable
{
    private const int Timeout = Patience.Hang;
    private readonly FakeApiServer _server = new();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Theory(Timeout = Timeout)]
    [InlineData(403, "Forbidden")]
    [InlineData(404, "NotFound")]
    public async Task What_was_granted_before_is_asked_for_within_seconds_when_a_server_that_starts_refuses_it(
        int code,
        string reason
    )
    {
        await using var watch = new WatchHarness(_server);
        await SettleAsync(watch);

        // Away for long: what comes after it isn't counted with it.
        _server.GoAway();
        for (var seconds = 1; seconds <= 32; seconds *= 2)
        {
            await watch.Time.PassAsync(seconds, seconds);
        }

        await watch.Time.NextWaitAsync(TimeSpan.FromSeconds(32), TimeSpan.FromSeconds(32));
        var since = watch.Store.Health.Since;
        _server.ComeBack();
        watch.Time.Advance(TimeSpan.FromSeconds(32));
        foreach (var seconds in new[] { 1, 2, 4, 8, 16, 20, 20 })
        {
            await (await _server.NextAsync(Pods)).RefuseAsync(code, reason);
            await watch.Time.PassAsync(seconds, seconds);
        }

        // It's out of date since the server was lost, and what it told stays.
        Assert.True(watch.Store.Health is { IsUnavailable: false, IsMissing: false });
        Assert.NotNull(since);
        Assert.Equal(since, watch.Store.Health.Since);
        Assert.Equal("a", watch.Names);
    }

    [Fact(Timeout = Timeout)]
    public async Task A_right_that_is_taken_away_is_asked_for_each_half_minute_and_known_to_be_missed()
    {
        await using var watch = new WatchHarness(_server);
        var open = await SettleAsync(watch);

        await open.BookmarkAsync(8);
        await open.EndAsync();
        foreach (var seconds in new[] { 1, 2, 4, 8, 16, 20, 20, 20 })
        {
            await (await _server.NextAsync(Pods)).RefuseAsync(403, "Forbidden");
            await watch.Time.PassAsync(seconds, seconds);
        }

        Assert.True(
            watch.Store.Health is { IsUnavailable: false, HasSynced: true, Since: not null }
        );
    }

    [Fact(Timeout = Timeout)]
    public async Task A_kind_that_goes_while_the_server_stays_goes_with_its_objects()
    {
        await using var watch = new WatchHarness(_server);
        var open = await SettleAsync(watch);

        await open.BookmarkAsync(8);
        await open.EndAsync();
        await (await _server.NextAsync(Pods)).RefuseAsync(404, "NotFound");
        // The watch is what isn't found; the list says that it's the kind.
        await watch.Time.PassAsync(1, 1);
        await (await _server.NextAsync(Pods)).RefuseAsync(404, "NotFound");
        await watch.UntilAsync(() => watch.Store.Health.IsMissing && watch.Names.Length == 0);
    }

    [Theory(Timeout = Timeout)]
    [InlineData(403, "Forbidden")]
    [InlineData(404, "NotFound")]
    public async Task What_was_never_granted_is_asked_for_in_seconds_for_five_minutes_and_then_seldom(
        int code,
        string reason
    )
    {
        await using var watch = new WatchHarness(_server);
        foreach (var seconds in new[] { 1, 2, 4, 8, 16, 20, 20 })
        {
            await (await _server.NextAsync(Pods)).RefuseAsync(code, reason);
            await watch.Time.PassAsync(seconds, seconds);
        }

        await (await _server.NextAsync(Pods)).RefuseAsync(code, reason);
        await watch.Time.NextWaitAsync(TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(20));
        watch.Time.Advance(ApiConnection.SettlingTime);
        foreach (var seconds in new[] { 20, 40, 80, 160, 320, 600, 600 })
        {
            await (await _server.NextAsync(Pods)).RefuseAsync(code, reason);
            await watch.Time.PassAsync(seconds, seconds);
        }

        Assert.True(watch.Store.Health is { IsUnavailable: true, HasSynced: false });
        await SyncAsync(_server, 7, Pod("a", 3));
        await watch.UntilAsync(() =>
            watch.Store.Health is { IsUnavailable: false, HasSynced: true }
        );
    }

    [Fact(Timeout = Timeout)]
    public async Task A_version_that_is_too_old_after_a_long_absence_brings_a_list_at_once()
    {
        await using var watch = new WatchHarness(_server);
        await SyncAsync(_server, 7, Pod("a", 3));
        await watch.UntilAsync(() => watch.Store.Health.HasSynced);
        _server.GoAway();
        for (var seconds = 1; seconds <= 16; seconds *= 2)
        {
            await watch.Time.PassAsync(seconds, seconds);
        }

        await watch.Time.NextWaitAsync(TimeSpan.FromSeconds(32), TimeSpan.FromSeconds(32));
        _server.ComeBack();
        watch.Time.Advance(TimeSpan.FromSeconds(32));
        await (await _server.NextAsync(Pods, "watch=true")).RefuseAsync(410, "Expired");

        // Nobody moves the clock.
        await SyncAsync(_server, 900, Pod("b", 800));
        await watch.UntilAsync(() => watch.Names == "b" && watch.Store.Health.Since is null);
    }

    // A watch that has told something, of a server that has been there for long.
    private async Task<FakeRequest> SettleAsync(WatchHarness watch)
    {
        var open = await SyncAsync(_server, 6);
        await open.SendAsync("ADDED", Pod("a", 7));
        await watch.UntilAsync(() => watch.Names == "a");
        watch.Time.Advance(ApiConnection.SettlingTime);
        return open;
    }

    [Fact]
    public void Watches_that_end_at_once_again_and_again_are_opened_less_and_less_often()
    {
        var old = new ApiProblem(ApiProblemKind.Expired, "410");
        var retry = default(Retry);
        var waits = new List<double?>();
        foreach (var problem in new[] { old, null, old, null })
        {
            retry = retry.After(problem, hasProgressed: false, isPatient: true);
            waits.Add(retry.Wait(problem, 0.5)?.TotalSeconds);
        }

        Assert.Equal([null, 2, 4, 8], waits);
        Assert.Null(retry.After(null, hasProgressed: true, isPatient: true).Wait(null, 0.5));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0.999)]
    public void No_refusal_that_may_pass_is_waited_for_longer_than_half_a_minute(double random) =>
        Assert.InRange(Backoff.Refused.Delay(int.MaxValue, random).TotalSeconds, 10, 30);
}
