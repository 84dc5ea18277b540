using Xunit;
using static PinAgent.Tests.Kubernetes.WatchHarness;

namespace PinAgent.Tests.Kubernetes;

public sealed class ObjectWatchTests : IAsyncDisposable
{
    private const int Timeout = Patience.Hang;
    private readonly FakeApiServer _server = new();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact(Timeout = Timeout)]
    public async Task Objects_are_listed_from_the_servers_memory_and_then_watched()
    {
        await using var watch = new WatchHarness(_server);

        var list = await _server.NextAsync(Pods, "resourceVersion=0");
        Assert.Contains(
            "fieldSelector=spec.nodeName%3Dnode1",
            list.Target,
            StringComparison.Ordinal
        );
        await list.ListAsync(7, Pod("a", 3), Pod("b", 4));
        var open = await _server.NextAsync(Pods, "watch=true&allowWatchBookmarks=true");
        Assert.Contains("resourceVersion=7", open.Target, StringComparison.Ordinal);
        await open.BeginWatchAsync();
        await open.SendAsync("ADDED", Pod("c", 8));
        await open.SendAsync("DELETED", Pod("a", 9));
        await watch.UntilAsync(() => watch.Names == "b c");

        Assert.True(watch.Store.Health is { HasSynced: true, Since: null, Problem: null });
    }

    [Fact(Timeout = Timeout)]
    public async Task A_watch_that_ends_in_time_is_continued_after_the_last_bookmark()
    {
        await using var watch = new WatchHarness(_server);
        var open = await SyncAsync(_server, 7);

        await open.SendAsync("ADDED", Pod("a", 8));
        await open.BookmarkAsync(40);
        await open.EndAsync();

        await _server.NextAsync(Pods, "resourceVersion=40");
        Assert.Equal("a", watch.Names);
    }

    [Fact(Timeout = Timeout)]
    public async Task A_change_that_changes_no_fact_wakes_nobody()
    {
        await using var watch = new WatchHarness(_server);
        var open = await SyncAsync(_server, 7, Pod("a", 3));
        await watch.UntilAsync(() => watch.Store.Health is { HasSynced: true });
        var before = watch.Store.Items;

        await open.SendAsync("MODIFIED", Pod("a", 8, ""","status":{"hostIP":"10.0.0.1"}"""));
        await open.SendAsync("ADDED", Pod("b", 9));
        await watch.UntilAsync(() => watch.Names == "a b");

        Assert.Same(before["uid-a"], watch.Store.Items["uid-a"]);
    }

    [Theory(Timeout = Timeout)]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_version_that_is_too_old_brings_a_new_list(bool inMidStream)
    {
        await using var watch = new WatchHarness(_server);
        await (await _server.NextAsync(Pods)).ListAsync(7, Pod("a", 3));
        var open = await _server.NextAsync(Pods, "watch=true");
        if (inMidStream)
        {
            await open.BeginWatchAsync();
            await open.SendAsync("ADDED", Pod("b", 8));
            await open.SendAsync("ERROR", FakeRequest.Status(410, "Expired"));
        }
        else
        {
            await open.RefuseAsync(410, "Expired");
        }

        // Not older than what is known, and from the server's memory.
        var list = await _server.NextAsync(Pods, $"resourceVersion={(inMidStream ? 8 : 7)}");
        Assert.DoesNotContain("watch", list.Target, StringComparison.Ordinal);
        await list.ListAsync(20, Pod("c", 12));
        await _server.NextAsync(Pods, "resourceVersion=20");

        Assert.Equal("c", watch.Names);
        Assert.Null(watch.Store.Health.Since);
    }

    [Fact(Timeout = Timeout)]
    public async Task A_list_that_is_refused_for_its_version_is_asked_for_without_one()
    {
        await using var watch = new WatchHarness(_server);
        var open = await SyncAsync(_server, 7);
        await open.SendAsync("ERROR", FakeRequest.Status(410, "Expired"));
        await (await _server.NextAsync(Pods, "resourceVersion=7")).RefuseAsync(410, "Expired");
        await watch.Time.PassAsync(0.5, 3);

        var list = await _server.NextAsync(Pods);
        Assert.DoesNotContain("resourceVersion", list.Target, StringComparison.Ordinal);
    }

    [Fact(Timeout = Timeout)]
    public async Task A_torn_line_is_dropped_and_comes_again()
    {
        await using var watch = new WatchHarness(_server);
        var open = await SyncAsync(_server, 7);
        await open.SendAsync("ADDED", Pod("a", 8));
        await open.SendRawAsync("""{"type":"ADDED","object":{"metadata":{"uid":"uid-b","na""");
        await watch.UntilAsync(() => watch.Names == "a");
        open.Cut();
        await watch.UntilAsync(() => watch.Store.Health.Problem is not null);
        await watch.Time.PassAsync(0.5, 2);

        var again = await _server.NextAsync(Pods, "resourceVersion=8");
        await again.BeginWatchAsync();
        await again.SendAsync("ADDED", Pod("b", 9));
        await watch.UntilAsync(() => watch.Names == "a b");
        Assert.Null(watch.Store.Health.Problem);
    }

    [Fact(Timeout = Timeout)]
    public async Task An_event_may_come_in_pieces()
    {
        await using var watch = new WatchHarness(_server);
        var open = await SyncAsync(_server, 7);

        var line = $$"""{"type":"ADDED","object":{{Pod("a", 8)}}}""" + "\n";
        foreach (var piece in line.Chunk(10))
        {
            await open.SendRawAsync(new string(piece));
        }

        await watch.UntilAsync(() => watch.Names == "a");
    }

    [Fact(Timeout = Timeout)]
    public async Task A_malformed_object_costs_only_itself()
    {
        await using var watch = new WatchHarness(_server);
        var open = await SyncAsync(
            _server,
            7,
            Pod("a", 3),
            Pod("bad", 4, ""","spec":{"containers":"secret"}"""),
            "17",
            Pod("b", 5)
        );
        await watch.UntilAsync(() =>
            watch.Store.Health is { HasSynced: true, PassedOver: not null }
        );
        Assert.Equal("a b bad", watch.Names);

        await open.SendRawAsync("""{"type":"ADDED","object":{"spec":""" + "\n");
        await open.SendAsync("ADDED", """{"metadata":{"resourceVersion":"8"}}""");
        await open.SendAsync("ADDED", Pod("bad2", 9, ""","status":{"phase":{}}"""));
        await open.SendAsync("ADDED", Pod("c", 10));
        await watch.UntilAsync(() => watch.Names == "a b bad bad2 c");

        var problem = watch.Store.Items["uid-bad"].Problem;
        Assert.StartsWith("spec.containers: ", problem, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", problem, StringComparison.Ordinal);
        Assert.NotNull(watch.Store.Items["uid-bad2"].Problem);
        Assert.Null(watch.Store.Items["uid-c"].Problem);
    }

    [Fact(Timeout = Timeout)]
    public async Task An_object_of_ten_megabytes_is_passed_over_with_a_reason()
    {
        await using var watch = new WatchHarness(_server);
        var open = await SyncAsync(_server, 7);

        await open.SendAsync(
            "ADDED",
            Pod("huge", 8, $$""","data":"{{new string('x', 10 * 1024 * 1024)}}" """)
        );
        await open.SendAsync("ADDED", Pod("a", 9));
        await watch.UntilAsync(() => watch.Names == "a");

        Assert.Equal(
            "an object of 10240 KiB was passed over: expected at most 4096 KiB",
            watch.Store.Health.PassedOver
        );
    }

    [Fact(Timeout = Timeout)]
    public async Task An_object_of_ten_megabytes_in_a_list_is_known_by_its_name_only()
    {
        await using var watch = new WatchHarness(_server);
        await SyncAsync(
            _server,
            7,
            Pod("huge", 3, $$""","data":"{{new string('x', 10 * 1024 * 1024)}}" """),
            Pod("a", 4)
        );
        await watch.UntilAsync(() => watch.Store.Health.HasSynced);

        Assert.Equal("a huge", watch.Names);
        Assert.NotNull(watch.Store.Items["uid-huge"].Problem);
    }
}
