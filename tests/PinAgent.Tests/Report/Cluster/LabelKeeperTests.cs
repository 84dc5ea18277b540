using System.Text.Json.Nodes;
using k8s;
using Microsoft.Extensions.Logging;
using PinAgent.Kubernetes.Client;
using PinAgent.Model.Kubernetes;
using PinAgent.Report.Cluster;
using PinAgent.Tests.Kubernetes;
using PinAgent.Tests.Plan.Labels;
using Xunit;

namespace PinAgent.Tests.Report.Cluster;

/// <summary>The keeper of labels <c>a</c> and <c>b</c> against an API server.</summary>
public sealed class LabelKeeperTests : IAsyncLifetime
{
    private const int Timeout = Patience.Hang;
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

        keeper.Look('s', FeatureGate.On, "");
        await PatchAsync("a b", "a=true@pinagent! b=true@pinagent!");
        await UntilAsync(() => keeper.Status.GetValueOrDefault("a")?.Actual == "true");
        for (var pass = 0; pass < 1000; pass++)
        {
            keeper.Look('s', FeatureGate.On, pass < 500 ? "" : "a=true@pinagent! b=true@pinagent!");
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

        keeper.Look('s', FeatureGate.On, "a=true@kubectl-label b=true@pinagent!");
        await UntilAsync(() => !keeper.Status.IsEmpty);

        await QuietAsync();
        Assert.Equal(("true", "true", "kubectl-label"), Standing("a"));
    }

    [Fact(Timeout = Timeout)]
    public async Task Labels_go_when_the_checkpoint_is_absent_for_30_seconds()
    {
        var keeper = await StartAsync(LabelMode.Manage);
        const string Labels = "a=true@pinagent! b=true@pinagent!";
        keeper.Look('s', FeatureGate.On, Labels);
        await UntilAsync(() => !keeper.Status.IsEmpty);

        keeper.Look('a', FeatureGate.On, Labels);
        _time.Advance(TimeSpan.FromSeconds(29));
        keeper.Look('a', FeatureGate.On, Labels);
        await QuietAsync();
        _time.Advance(TimeSpan.FromSeconds(1));
        keeper.Look('a', FeatureGate.On, Labels);

        await PatchAsync("", "");
        await UntilAsync(() => keeper.Status["a"].Actual is null);
    }

    [Fact(Timeout = Timeout)]
    public async Task A_gate_that_is_turned_off_and_on_again_gives_up_and_sets()
    {
        var keeper = await StartAsync(LabelMode.Auto);
        const string Labels = "a=true@pinagent! b=true@kubectl-label";
        keeper.Look('s', FeatureGate.On, Labels);
        await UntilAsync(() => !keeper.Status.IsEmpty);

        keeper.Look('s', FeatureGate.Off, Labels);
        await PatchAsync("", "b=true@kubectl-label");
        await UntilAsync(() => keeper.Status["a"].Actual is null);
        Assert.Equal((null, "true", "kubectl-label"), Standing("b"));

        keeper.Look('s', FeatureGate.Unknown, "b=true@kubectl-label");
        keeper.Look('s', FeatureGate.On, "b=true@kubectl-label");
        await PatchAsync("a", "a=true@pinagent! b=true@kubectl-label");
        await UntilAsync(() => keeper.Status["a"].Actual == "true");
    }

    [Fact(Timeout = Timeout)]
    public async Task A_conflict_is_told_and_not_fought()
    {
        var keeper = await StartAsync(LabelMode.Manage);

        keeper.Look('s', FeatureGate.On, "");
        // Somebody is faster.
        await (await NextAsync()).RefuseAsync(409, "Conflict");
        await UntilAsync(() => keeper.Status.Count > 0);
        keeper.Look('s', FeatureGate.On, "a=false@kubectl-label");
        await PatchAsync("b", "a=false@kubectl-label b=true@pinagent!");
        await UntilAsync(() => keeper.Status["a"].Actual == "false");

        _time.Advance(TimeSpan.FromDays(1));
        await QuietAsync();
        Assert.Equal(("true", "false", "kubectl-label"), Standing("a"));
        Assert.Contains("\"false\", set by kubectl-label", keeper.Status["a"].Message, default);
        Assert.Single(_log.Lines, line => line.Contains("a is wrong", default));
    }

    [Fact(Timeout = Timeout)]
    public async Task What_others_do_to_the_labels_is_seen_and_mended_where_nobody_owns_it()
    {
        var keeper = await StartAsync(LabelMode.Manage);
        keeper.Look('s', FeatureGate.On, "a=true@pinagent! b=true@pinagent!");
        await UntilAsync(() => !keeper.Status.IsEmpty);

        keeper.Look('s', FeatureGate.On, "b=true@pinagent!");
        await PatchAsync("a b", "a=true@pinagent! b=true@pinagent!");
        await UntilAsync(() => keeper.Status["a"].Actual == "true");

        keeper.Look('s', FeatureGate.On, "a=false@kubectl-edit b=true@pinagent!");
        await UntilAsync(() => keeper.Status["a"].Actual == "false");
        await QuietAsync();
        Assert.Equal(("true", "false", "kubectl-edit"), Standing("a"));
    }

    [Fact(Timeout = Timeout)]
    public async Task Beside_a_live_virt_handler_nothing_is_written_until_it_has_been_silent_for_five_minutes()
    {
        var keeper = await StartAsync(LabelMode.Auto);
        const string Labels = "a=false@virt-handler b=false@virt-handler";

        // Every heartbeat is an event of the watch, and none makes a request.
        for (var beat = 0; beat < 10; beat++)
        {
            keeper.Look('s', FeatureGate.On, Labels, _time.GetUtcNow() - TimeSpan.FromSeconds(30));
            await UntilAsync(() => !keeper.Status.IsEmpty);
            _time.Advance(TimeSpan.FromMinutes(1));
        }

        Assert.Equal(("true", "false", "virt-handler"), Standing("a"));
        await QuietAsync();
        Assert.Single(_log.Lines, line => line.Contains("a is wrong", default));

        // virt-handler goes, and takes its labels along.
        keeper.Look('s', FeatureGate.On, "", _time.GetUtcNow() - TimeSpan.FromMinutes(4.5));
        await QuietAsync();
        keeper.Look('s', FeatureGate.On, "", _time.GetUtcNow() - TimeSpan.FromMinutes(5.5));
        await PatchAsync("a b", "a=true@pinagent! b=true@pinagent!");
        await UntilAsync(() => keeper.Status["a"].Actual == "true");
    }

    [Fact(Timeout = Timeout)]
    public async Task Nothing_is_asked_while_there_is_nothing_to_decide()
    {
        var keeper = await StartAsync(LabelMode.Manage);

        keeper.Look('s', FeatureGate.Unknown, "");
        keeper.Look('u', FeatureGate.Unknown, "");
        keeper.Look('s', FeatureGate.On, null);
        await QuietAsync();

        var other = await StartAsync(LabelMode.Manage);
        other.Look('u', FeatureGate.On, "");
        other.Look('a', FeatureGate.On, "");
        await QuietAsync();
    }

    [Fact(Timeout = Timeout)]
    public async Task A_server_that_is_away_is_asked_again_and_told_of_once()
    {
        var keeper = await StartAsync(LabelMode.Manage);

        keeper.Look('s', FeatureGate.On, "");
        await (await NextAsync()).RefuseAsync(500, "InternalError");
        await _time.PassAsync(0.5, 1.5);
        await (await NextAsync()).RefuseAsync(500, "InternalError");
        await _time.PassAsync(1, 3);
        await PatchAsync("a b", "a=true@pinagent! b=true@pinagent!");
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

    private async Task<FakeRequest> NextAsync()
    {
        var request = await _server.NextAsync(Node);
        Assert.Equal("PATCH", request.Method);
        return request;
    }

    // Expects these keys to be applied, and answers with the node as it is then.
    private async Task PatchAsync(string keys, string after)
    {
        var patch = await NextAsync();
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

    // The keeper works on its own: what it asks for comes before it rests.
    private async Task QuietAsync()
    {
        await UntilAsync(() => _keeper!.Trigger.IsAtRest || _server.HasMore);
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
    /// <param name="keeper">The keeper.</param>
    /// <param name="seen">The CPU manager.</param>
    /// <param name="gate">The feature gate.</param>
    /// <param name="labels">The node's labels as <see cref="LabelNode"/> has them; null if they aren't known.</param>
    /// <param name="heartbeat">When virt-handler was last alive; null if it never was.</param>
    public static void Look(
        this LabelKeeper keeper,
        char seen,
        FeatureGate gate,
        string? labels,
        DateTimeOffset? heartbeat = null
    ) =>
        keeper.Look(
            CpuManagerHistoryTests.Observation(seen),
            new ClusterFacts
            {
                CpuManagerGate = gate,
                NodeLabels = labels is null
                    ? null
                    : LabelNode.Read(labels) with
                    {
                        Heartbeat = heartbeat,
                    },
            }
        );
}
