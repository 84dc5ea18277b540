using k8s;
using k8s.Authentication;
using PinAgent.Kubernetes.Client;
using Xunit;
using static PinAgent.Tests.Kubernetes.WatchHarness;

namespace PinAgent.Tests.Kubernetes;

public sealed class ApiTroubleTests : IAsyncDisposable
{
    private const int Timeout = Patience.Hang;
    private readonly FakeApiServer _server = new();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact(Timeout = Timeout)]
    public async Task A_server_that_asks_to_be_left_alone_is_left_alone_for_so_long()
    {
        await using var watch = new WatchHarness(_server);
        await (await _server.NextAsync(Pods)).RefuseAsync(
            429,
            "TooManyRequests",
            "Retry-After: 20"
        );

        // Twenty seconds, and a quarter more by the dice.
        Assert.Equal(TimeSpan.FromSeconds(25), await watch.Time.PassAsync(19, 29));
        await _server.NextAsync(Pods);
    }

    [Fact(Timeout = Timeout)]
    public async Task A_server_in_trouble_is_asked_again_less_and_less_often()
    {
        await using var watch = new WatchHarness(_server);
        for (var seconds = 1; seconds <= 32; seconds *= 2)
        {
            await (await _server.NextAsync(Pods)).RefuseAsync(500, "InternalError");
            await watch.Time.PassAsync(seconds, seconds);
        }

        await (await _server.NextAsync(Pods)).RefuseAsync(503, "ServiceUnavailable");
        await watch.Time.PassAsync(32, 32);
        Assert.Equal("503 ServiceUnavailable: told by the test", watch.Store.Health.Problem);
        await SyncAsync(_server, 7, Pod("a", 3));
        await watch.UntilAsync(() => watch.Store.Health is { Problem: null, HasSynced: true });
    }

    [Fact(Timeout = Timeout)]
    public async Task A_server_that_never_answers_is_given_up_for_now()
    {
        await using var watch = new WatchHarness(_server);
        await _server.NextAsync(Pods);

        watch.Time.Advance(ApiConnection.AnswerLimit);

        await watch.Time.PassAsync(1, 1);
        await _server.NextAsync(Pods);
        Assert.Equal("no answer within 30 s", watch.Store.Health.Problem);
    }

    [Fact(Timeout = Timeout)]
    public async Task A_watch_that_is_silent_for_too_long_is_opened_again()
    {
        await using var watch = new WatchHarness(_server);
        var open = await SyncAsync(_server, 7);
        await open.SendAsync("ADDED", Pod("a", 8));
        await watch.UntilAsync(() => watch.Names == "a");

        // The clock is moved once the watch waits for the next line.
        var again = _server.NextAsync(Pods, "resourceVersion=8");
        while (!again.IsCompleted)
        {
            watch.Time.Advance(TimeSpan.FromMinutes(1));
            await Task.Yield();
        }

        await again;
        Assert.Equal("a", watch.Names);
    }

    [Fact(Timeout = Timeout)]
    public async Task A_server_that_is_away_at_the_start_is_found_when_it_comes()
    {
        _server.GoAway();
        await using var watch = new WatchHarness(_server);
        await watch.UntilAsync(() => watch.Store.Health.HasAnswered);
        Assert.False(watch.Store.Health.HasSynced);
        Assert.Equal("Connection refused", watch.Store.Health.Problem);

        _server.ComeBack();
        await watch.Time.PassAsync(0.5, 29);

        await SyncAsync(_server, 7, Pod("a", 3));
        await watch.UntilAsync(() => watch.Store.Health is { HasSynced: true, Problem: null });
    }

    [Fact(Timeout = Timeout)]
    public async Task While_the_server_is_away_what_it_told_stays_and_its_age_is_known()
    {
        await using var watch = new WatchHarness(_server);
        await SyncAsync(_server, 7, Pod("a", 3));
        await watch.UntilAsync(() => watch.Store.Health.HasSynced);

        _server.GoAway();
        await watch.UntilAsync(() => watch.Store.Health.Since is not null);
        Assert.Equal("a", watch.Names);

        _server.ComeBack();
        await watch.Time.PassAsync(0.5, 29);
        var open = await _server.NextAsync(Pods, "resourceVersion=7");
        await open.BeginWatchAsync();
        await watch.UntilAsync(() => watch.Store.Health.Since is null);
    }

    [Fact(Timeout = Timeout)]
    public async Task A_token_that_has_expired_is_read_again()
    {
        using var host = new FakeHost();
        host.Write("/token", "old\n");
        await using var watch = new WatchHarness(
            _server,
            () =>
                new KubernetesClientConfiguration
                {
                    Host = _server.Address,
                    TokenProvider = new TokenFileAuth(host.PathOf("/token")),
                }
        );
        var first = await _server.NextAsync(Pods);
        Assert.Equal("Bearer old", first.Headers["Authorization"]);

        host.Write("/token", "new\n");
        await first.RefuseAsync(401, "Unauthorized");
        await watch.Time.PassAsync(0.5, 2);

        Assert.Equal("Bearer new", (await _server.NextAsync(Pods)).Headers["Authorization"]);
    }

    [Fact(Timeout = Timeout)]
    public async Task A_token_file_that_is_missing_for_a_moment_is_waited_for()
    {
        using var host = new FakeHost();
        await using var watch = new WatchHarness(
            _server,
            () =>
                new KubernetesClientConfiguration
                {
                    Host = _server.Address,
                    TokenProvider = new TokenFileAuth(host.PathOf("/token")),
                }
        );
        await watch.UntilAsync(() => watch.Store.Health.Problem is not null);
        host.Write("/token", "new\n");
        await watch.Time.PassAsync(0.5, 2);

        Assert.Equal("Bearer new", (await _server.NextAsync(Pods)).Headers["Authorization"]);
    }

    [Fact(Timeout = Timeout)]
    public async Task A_kind_that_is_served_in_its_older_version_is_found_there()
    {
        await using var watch = new WatchHarness(_server, null, "/apis/new", "/apis/old");

        await (await _server.NextAsync("/apis/new")).RefuseAsync(404, "NotFound");
        await (await _server.NextAsync("/apis/old")).ListAsync(7, Pod("a", 3));
        await (await _server.NextAsync("/apis/old", "watch=true")).BeginWatchAsync();

        await watch.UntilAsync(() => watch.Names == "a");
    }
}
