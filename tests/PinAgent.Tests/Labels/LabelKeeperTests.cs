using System.Text.Json.Nodes;
using k8s;
using Microsoft.Extensions.Logging;
using PinAgent.Apply.Kubernetes;
using PinAgent.Model;
using PinAgent.Observe.Kubernetes;
using PinAgent.Tests.Kubernetes;
using Xunit;

namespace PinAgent.Tests.Labels;

/// <summary>The keeper of labels <c>a</c> and <c>b</c> against an API server.</summary>
public sealed class LabelKeeperTests : IAsyncLifetime
{
    private const int Timeout = 15_000;
    private const string Node = "/api/v1/nodes/node1";

    private readonly FakeApiServer _server = new();
    private readonly WatchedTime _time = new();
    private readonly Told _log = new();
    private readonly List<IDisposable> _disposables = [];
    private LabelKeeper? _keeper;

    public ValueTask InitializeAsync()
    {
        _time.SetUtcNow(LabelNode.Now);
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        if (_keeper is not null)
        {
            await _keeper.StopAsync(TestContext.Current.CancellationToken);
            _keeper.Dispose();
        }

        _disposables.ForEach(disposable => disposable.Dispose());
        await _server.DisposeAsync();
    }

    [Fact(Timeout = Timeout)]
    public async Task Labels_are_applied_in_one_request_without_force_and_then_it_is_quiet()
    {
        var keeper = await StartAsync(LabelMode.Manage);

        keeper.Look('s', FeatureGate.On);
        await GetAsync("");
        await PatchAsync("a b", "a=true@pinagent! b=true@pinagent!");
        await UntilAsync(() => keeper.Status.GetValueOrDefault("a")?.Actual == "true");
        for (var pass = 0; pass < 1000; pass++)
        {
            keeper.Look('s', FeatureGate.On);
        }

        _time.Advance(TimeSpan.FromDays(1));
        await QuietAsync();
        Assert.Equal(("true", "true", "pinagent"), Standing("a"));
        Assert.Equal(["Labels: the CPU manager runs; set a, b"], _log.Lines);
    }

    [Fact(Timeout = Timeout)]
    public async Task Labels_that_are_right_already_are_not_written()
    {
        var keeper = await StartAsync(LabelMode.Manage);

        keeper.Look('s', FeatureGate.On);
        await GetAsync("a=true@kubectl-label b=true@pinagent!");
        await UntilAsync(() => !keeper.Status.IsEmpty);

        await QuietAsync();
        Assert.Equal(("true", "true", "kubectl-label"), Standing("a"));
    }

    [Fact(Timeout = Timeout)]
    public async Task Labels_go_when_the_checkpoint_is_absent_for_30_seconds()
    {
        var keeper = await StartAsync(LabelMode.Manage);
        keeper.Look('s', FeatureGate.On);
        await GetAsync("a=true@pinagent! b=true@pinagent!");
        await UntilAsync(() => !keeper.Status.IsEmpty);

        keeper.Look('a', FeatureGate.On);
        _time.Advance(TimeSpan.FromSeconds(29));
        keeper.Look('a', FeatureGate.On);
        await QuietAsync();
        _time.Advance(TimeSpan.FromSeconds(1));
        keeper.Look('a', FeatureGate.On);

        await GetAsync("a=true@pinagent! b=true@pinagent!");
        await PatchAsync("", "");
        await UntilAsync(() => keeper.Status["a"].Actual is null);
    }

    [Fact(Timeout = Timeout)]
    public async Task A_gate_that_is_turned_off_and_on_again_gives_up_and_sets()
    {
        var keeper = await StartAsync(LabelMode.Auto);
        keeper.Look('s', FeatureGate.On);
        await GetAsync("a=true@pinagent! b=true@kubectl-label");
        await UntilAsync(() => !keeper.Status.IsEmpty);

        keeper.Look('s', FeatureGate.Off);
        await GetAsync("a=true@pinagent! b=true@kubectl-label");
        await PatchAsync("", "b=true@kubectl-label");
        await UntilAsync(() => keeper.Status["a"].Actual is null);
        Assert.Equal((null, "true", "kubectl-label"), Standing("b"));

        keeper.Look('s', FeatureGate.Unknown);
        keeper.Look('s', FeatureGate.On);
        await GetAsync("b=true@kubectl-label");
        await PatchAsync("a", "a=true@pinagent! b=true@kubectl-label");
        await UntilAsync(() => keeper.Status["a"].Actual == "true");
    }

    [Fact(Timeout = Timeout)]
    public async Task A_conflict_is_told_and_not_fought()
    {
        var keeper = await StartAsync(LabelMode.Manage);

        keeper.Look('s', FeatureGate.On);
        await GetAsync("");
        // Somebody is faster.
        var patch = await NextAsync("PATCH");
        await patch.RefuseAsync(409, "Conflict");
        await GetAsync("a=false@kubectl-label");
        await PatchAsync("b", "a=false@kubectl-label b=true@pinagent!");
        await UntilAsync(() => keeper.Status.Count > 0);

        _time.Advance(TimeSpan.FromDays(1));
        await QuietAsync();
        Assert.Equal(("true", "false", "kubectl-label"), Standing("a"));
        Assert.Contains("\"false\", set by kubectl-label", keeper.Status["a"].Message, default);
        Assert.Single(_log.Lines, line => line.Contains("a is wrong", default));
    }

    [Fact(Timeout = Timeout)]
    public async Task A_live_virt_handler_is_only_watched_and_looked_for_every_five_minutes()
    {
        var keeper = await StartAsync(LabelMode.Auto);

        keeper.Look('s', FeatureGate.On);
        await GetAsync(
            "a=false@virt-handler b=false@virt-handler",
            heartbeat: TimeSpan.FromMinutes(1)
        );
        await UntilAsync(() => !keeper.Status.IsEmpty);
        Assert.Equal(("true", "false", "virt-handler"), Standing("a"));
        await _time.NextWaitAsync(TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(8));
        _time.Advance(TimeSpan.FromSeconds(299));
        await QuietAsync();

        // virt-handler has gone, and with it what it owned.
        _time.Advance(TimeSpan.FromSeconds(151));
        await GetAsync("", heartbeat: TimeSpan.FromMinutes(9));
        await PatchAsync("a b", "a=true@pinagent! b=true@pinagent!");
        await UntilAsync(() => keeper.Status["a"].Actual == "true");
    }

    [Fact(Timeout = Timeout)]
    public async Task Nothing_is_asked_while_there_is_nothing_to_decide()
    {
        var keeper = await StartAsync(LabelMode.Manage);

        keeper.Look('s', FeatureGate.Unknown);
        keeper.Look('u', FeatureGate.Unknown);
        await QuietAsync();

        var other = await StartAsync(LabelMode.Manage);
        other.Look('u', FeatureGate.On);
        other.Look('a', FeatureGate.On);
        await QuietAsync();
    }

    [Fact(Timeout = Timeout)]
    public async Task A_server_that_is_away_is_asked_again_and_told_of_once()
    {
        var keeper = await StartAsync(LabelMode.Manage);

        keeper.Look('s', FeatureGate.On);
        await (await NextAsync("GET")).RefuseAsync(500, "InternalError");
        await _time.PassAsync(0.5, 1.5);
        await (await NextAsync("GET")).RefuseAsync(500, "InternalError");
        await _time.PassAsync(1, 3);
        await GetAsync("a=true@pinagent! b=true@pinagent!");
        await UntilAsync(() => keeper.Status.GetValueOrDefault("a")?.Actual == "true");

        Assert.Single(_log.Lines, line => line.Contains("InternalError", default));
    }

    private async Task<LabelKeeper> StartAsync(LabelMode mode)
    {
        var connection = new ApiConnection(
            () => new KubernetesClientConfiguration { Host = _server.Address },
            _time
        );
        _disposables.Add(connection);
        if (_keeper is not null)
        {
            await _keeper.StopAsync(TestContext.Current.CancellationToken);
            _keeper.Dispose();
        }

        _keeper = new LabelKeeper(connection, "node1", new(mode, ["a", "b"]), _time, () => 0.5)
        {
            Logger = _log,
        };
        await _keeper.StartAsync(TestContext.Current.CancellationToken);
        return _keeper;
    }

    private (string?, string?, string?) Standing(string key) =>
        _keeper!.Status[key] is var label ? (label.Wanted, label.Actual, label.Owner) : default;

    private async Task<FakeRequest> NextAsync(string method)
    {
        var request = await _server.NextAsync(Node);
        Assert.Equal(method, request.Method);
        return request;
    }

    private async Task GetAsync(string labels, TimeSpan? heartbeat = null) =>
        await (await NextAsync("GET")).RespondAsync(
            200,
            LabelNode.Json(labels, heartbeat, _time.GetUtcNow())
        );

    // Expects these keys to be applied, and answers with the node as it is then.
    private async Task PatchAsync(string keys, string after)
    {
        var patch = await NextAsync("PATCH");
        Assert.Equal($"{Node}?fieldManager=pinagent", patch.Target);
        Assert.Equal("application/apply-patch+yaml", patch.Headers["Content-Type"]);
        var labels = new JsonObject(
            keys.Split(' ', StringSplitOptions.RemoveEmptyEntries)
                .Select(key => KeyValuePair.Create(key, (JsonNode?)"true"))
        );
        var expected = new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "Node",
            ["metadata"] = new JsonObject
            {
                ["name"] = "node1",
                ["uid"] = "u1",
                ["labels"] = labels,
            },
        };
        Assert.Equal(expected.ToJsonString(), patch.Body);
        await patch.RespondAsync(200, LabelNode.Json(after));
    }

    // The keeper works on its own: long enough for a request on loopback that shouldn't come.
    private async Task QuietAsync()
    {
        await Task.Delay(100, TestContext.Current.CancellationToken);
        Assert.False(_server.HasMore);
    }

    private static async Task UntilAsync(Func<bool> holds)
    {
        while (!holds())
        {
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }
    }

    private sealed class Told : ILogger
    {
        public List<string> Lines { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        ) => Lines.Add(formatter(state, exception));
    }
}

/// <summary>What a pass tells the keeper.</summary>
internal static class Looks
{
    public static void Look(this LabelKeeper keeper, char seen, FeatureGate gate) =>
        keeper.Look(CpuManagerHistoryTests.Observation(seen), gate);
}
