using System.Threading.Channels;
using k8s;
using PinAgent.Model.Kubernetes;
using PinAgent.Observe.Cluster;
using Xunit;

namespace PinAgent.Tests.Kubernetes;

public sealed class ClusterWatcherTests : IAsyncDisposable
{
    private const int Timeout = Patience.Hang;
    private const string Vmis = "/apis/kubevirt.io/v1/virtualmachineinstances";
    private const string VmiOfPod =
        "/apis/kubevirt.io/v1/namespaces/default/virtualmachineinstances/vm1";

    private readonly FakeApiServer _server = new();
    private readonly WatchedTime _time = new();
    private readonly Channel<bool> _changes = Channel.CreateUnbounded<bool>();
    private readonly ClusterWatcher _watcher;

    public ClusterWatcherTests() =>
        _watcher = new ClusterWatcher(
            () => new KubernetesClientConfiguration { Host = _server.Address },
            "node1",
            "kubevirt",
            () => _changes.Writer.TryWrite(true),
            _time,
            () => 0.5
        );

    public async ValueTask DisposeAsync()
    {
        await _watcher.StopAsync(CancellationToken.None);
        _watcher.Dispose();
        await _server.DisposeAsync();
    }

    [Fact(Timeout = Timeout)]
    public async Task Pods_vmis_and_the_nodes_annotation_become_one_value()
    {
        await StartAsync();
        await SyncAsync(
            pods: [Pod("p1", "vm1"), Pod("p2", "vm2")],
            here: [Vmi("vm1")],
            coming: [Vmi("vm2")],
            node: """{"metadata":{"uid":"n","name":"node1","annotations":{"pinagent.dev/mode":"audit"}}}"""
        );
        await UntilAsync(facts => facts.Sync.State == SyncState.Synced);

        var facts = _watcher.Facts;
        Assert.True(_watcher.Settled.IsCompleted);
        Assert.Equal("audit", facts.NodeMode);
        Assert.Equal("vm1", facts.FindVmi(facts.Pods["p1"])?.Name);
        Assert.Equal("vm2", facts.FindVmi(facts.Pods["p2"])?.Name);
        Assert.Null(facts.VmiProblem);
        Assert.Empty(facts.Notices);
        Assert.False(_server.HasMore);
    }

    [Fact(Timeout = Timeout)]
    public async Task Nothing_is_shown_before_each_watch_has_had_an_answer()
    {
        await StartAsync();

        // Whoever watches the pods has taken their list in.
        for (var isListed = false; !isListed; )
        {
            var request = await _server.NextAsync();
            isListed =
                request.Target.Contains("watch=true", StringComparison.Ordinal)
                && request.Target.Contains("pods", StringComparison.Ordinal);
            if (request.Target.Contains("watch=true", StringComparison.Ordinal))
            {
                await request.BeginWatchAsync();
            }
            else if (!request.Target.StartsWith("/api/v1/nodes", StringComparison.Ordinal))
            {
                await request.ListAsync(
                    7,
                    request.Target.Contains("pods", StringComparison.Ordinal)
                        ? Pod("p1", "vm1")
                        : "1"
                );
            }
        }

        Assert.False(_watcher.Settled.IsCompleted);
        Assert.Same(ClusterFacts.Connecting, _watcher.Facts);

        // A server that is silent isn't waited for.
        _time.Advance(TimeSpan.FromSeconds(5));
        await _watcher.Settled.WaitAsync(Patience.HungWait, TestContext.Current.CancellationToken);
        Assert.Equal(SyncState.NeverSynced, _watcher.Facts.Sync.State);
        Assert.Single(_watcher.Facts.Pods);
        // Beside others whose answers may not have been taken in yet.
        Assert.Contains(
            _watcher.Facts.Notices,
            notice =>
                (notice.Contains(" this node:", default) || notice.Contains(" this node,", default))
                && notice.EndsWith(": no answer yet", default)
        );
    }

    [Fact(Timeout = Timeout)]
    public async Task A_server_that_is_away_is_known_to_be_at_once()
    {
        _server.GoAway();
        await StartAsync();
        await _watcher.Settled;

        Assert.Equal(SyncState.NeverSynced, _watcher.Facts.Sync.State);
        Assert.Equal("Connection refused", _watcher.Facts.VmiProblem);
        // Of the feature gates, for which nothing waits, the answer may still be out.
        Assert.StartsWith(
            $"API server {_server.Address}: this node's pods, this node's VMIs, VMIs that migrate to this node, this node",
            _watcher.Facts.Notices[0],
            StringComparison.Ordinal
        );
        Assert.Contains(" not watched since ", _watcher.Facts.Notices[0], StringComparison.Ordinal);
    }

    [Fact(Timeout = Timeout)]
    public async Task The_vmi_of_a_pod_that_no_watch_has_is_asked_for_once()
    {
        await StartAsync();
        await SyncAsync(pods: [Pod("p1", "vm1")]);
        await (await NextQuestionAsync()).RespondAsync(200, Vmi("vm1"));
        await UntilAsync(facts => facts.Vmis.ContainsKey("uid-vm1"));

        await _open["pods"].SendAsync("MODIFIED", Pod("p1", "vm1", version: 8, mode: "off"));
        await UntilAsync(facts => facts.Pods["p1"].Mode == "off");
        Assert.False(_server.HasMore);

        // With its pod it is forgotten.
        await _open["pods"].SendAsync("DELETED", Pod("p1", "vm1", version: 9));
        await UntilAsync(facts => facts.Vmis.IsEmpty);
    }

    [Fact(Timeout = Timeout)]
    public async Task A_vmi_that_isnt_there_is_asked_for_once_and_found_by_the_watch_later()
    {
        await StartAsync();
        await SyncAsync(pods: [Pod("p1", "vm1")]);
        await (await NextQuestionAsync()).RefuseAsync(404, "NotFound");
        await UntilAsync(facts => facts.Unfound.Count > 0);
        Assert.Equal("the API server has no VMI default/vm1", _watcher.Facts.Unfound["p1"]);

        await _open["here"].SendAsync("ADDED", Vmi("vm1"));
        await UntilAsync(facts => facts.Vmis.Count > 0 && facts.Unfound.IsEmpty);
        Assert.False(_server.HasMore);
    }

    [Fact(Timeout = Timeout)]
    public async Task A_vmi_of_the_same_name_and_another_uid_isnt_the_pods()
    {
        await StartAsync();
        await SyncAsync(pods: [Pod("p1", "vm1")]);
        await (await NextQuestionAsync()).RespondAsync(
            200,
            Vmi("vm1").Replace("uid-vm1", "uid-new", StringComparison.Ordinal)
        );
        await UntilAsync(facts => facts.Unfound.Count > 0);

        Assert.Empty(_watcher.Facts.Vmis);
        Assert.Contains(
            "another one by now",
            _watcher.Facts.Unfound["p1"],
            StringComparison.Ordinal
        );
    }

    [Fact(Timeout = Timeout)]
    public async Task A_question_that_fails_is_asked_again_after_a_while()
    {
        await StartAsync();
        await SyncAsync(pods: [Pod("p1", "vm1")]);
        await (await NextQuestionAsync()).RefuseAsync(500, "InternalError");
        await UntilAsync(facts => facts.Unfound.Count > 0);
        await _time.PassAsync(1, 1);
        await (await NextQuestionAsync()).RespondAsync(200, Vmi("vm1"));

        await UntilAsync(facts => facts.Vmis.Count > 0 && facts.Unfound.IsEmpty);
    }

    [Fact(Timeout = Timeout)]
    public async Task Vmis_that_may_not_be_read_leave_the_pods_to_say_what_they_can()
    {
        await StartAsync();
        for (var answered = 0; answered < 10; answered++)
        {
            var request = await _server.NextAsync();
            if (request.Target.Contains("watch=true", StringComparison.Ordinal))
            {
                await request.BeginWatchAsync();
            }
            else if (request.Target.StartsWith(Vmis, StringComparison.Ordinal))
            {
                await request.RefuseAsync(403, "Forbidden");
            }
            else
            {
                await request.ListAsync(7);
            }
        }

        // A server that has just started may not have read the rights yet: nobody says that all is told.
        await UntilAsync(facts => facts.VmiProblem is not null);
        Assert.Equal(SyncState.NeverSynced, _watcher.Facts.Sync.State);
        Assert.Equal("403 Forbidden: told by the test", _watcher.Facts.VmiProblem);

        // In small steps, so that no other request is given up for its answer's being late.
        foreach (var seconds in (int[])[1, 2, 4, 8, 16, .. Enumerable.Repeat(20, 14)])
        {
            var wait = TimeSpan.FromSeconds(seconds);
            await _time.NextWaitAsync(wait, wait);
            await _time.NextWaitAsync(wait, wait);
            _time.Advance(wait);
            await (await _server.NextAsync(Vmis)).RefuseAsync(403, "Forbidden");
            await (await _server.NextAsync(Vmis)).RefuseAsync(403, "Forbidden");
        }

        await UntilAsync(facts => facts.Sync.State == SyncState.Synced);
    }

    [Fact(Timeout = Timeout)]
    public async Task Vmis_that_the_settings_say_may_not_be_read_arent_asked_for()
    {
        using var watcher = new ClusterWatcher(
            () => new KubernetesClientConfiguration { Host = _server.Address },
            "node1",
            "kubevirt",
            () => _changes.Writer.TryWrite(true),
            _time,
            () => 0.5,
            mayReadVmis: false
        );
        await watcher.StartAsync(TestContext.Current.CancellationToken);
        for (var answered = 0; answered < 8; answered++)
        {
            var request = await _server.NextAsync();
            Assert.DoesNotContain(
                "virtualmachineinstances",
                request.Target,
                StringComparison.Ordinal
            );
            if (request.Target.Contains("watch=true", StringComparison.Ordinal))
            {
                await request.BeginWatchAsync();
            }
            else
            {
                await request.ListAsync(7);
            }
        }

        await UntilAsync(
            facts => facts.Sync.State == SyncState.Synced && facts.Notices.IsEmpty,
            watcher
        );

        Assert.Contains("without-vmi-rights", watcher.Facts.VmiProblem, StringComparison.Ordinal);
        Assert.False(_server.HasMore);
        await watcher.StopAsync(CancellationToken.None);
    }

    [Fact(Timeout = Timeout)]
    public async Task What_was_known_stays_when_the_server_goes_and_its_age_is_shown()
    {
        await StartAsync();
        await SyncAsync(pods: [Pod("p1", "vm1")], here: [Vmi("vm1")]);
        await UntilAsync(facts => facts.Sync.State == SyncState.Synced);

        _server.GoAway();
        await UntilAsync(facts => facts.Sync is { State: SyncState.Stale, Since: not null });

        Assert.Equal("vm1", _watcher.Facts.FindVmi(_watcher.Facts.Pods["p1"])?.Name);
    }

    private readonly Dictionary<string, FakeRequest> _open = [];
    private readonly Queue<FakeRequest> _questions = [];

    private Task StartAsync() => _watcher.StartAsync(TestContext.Current.CancellationToken);

    private async Task SyncAsync(
        string[]? pods = null,
        string[]? here = null,
        string[]? coming = null,
        string? node = null
    )
    {
        for (var answered = 0; answered < 12; answered++)
        {
            var request = await _server.NextAsync();
            if (request.Target.StartsWith(VmiOfPod, StringComparison.Ordinal))
            {
                // It may come before the last watch has begun.
                _questions.Enqueue(request);
                answered--;
                continue;
            }

            var (name, items) = request.Target switch
            {
                var target when target.StartsWith("/api/v1/pods?", StringComparison.Ordinal) => (
                    "pods",
                    pods
                ),
                var target when target.StartsWith("/api/v1/nodes?", StringComparison.Ordinal) => (
                    "node",
                    node is null ? null : new[] { node }
                ),
                var target
                    when target.Contains(
                        "kubevirt.io%2FnodeName%3Dnode1",
                        StringComparison.Ordinal
                    ) => ("here", here),
                var target when target.Contains("/configmaps?", StringComparison.Ordinal) => (
                    "configmaps",
                    null
                ),
                var target when target.Contains("/kubevirts?", StringComparison.Ordinal) => (
                    "kubevirts",
                    null
                ),
                _ => ("coming", coming),
            };
            if (request.Target.Contains("watch=true", StringComparison.Ordinal))
            {
                await request.BeginWatchAsync();
                _open[name] = request;
            }
            else
            {
                await request.ListAsync(7, items ?? []);
            }
        }
    }

    private async Task<FakeRequest> NextQuestionAsync() =>
        _questions.TryDequeue(out var question) ? question : await _server.NextAsync(VmiOfPod);

    private async Task UntilAsync(Func<ClusterFacts, bool> holds, ClusterWatcher? watcher = null)
    {
        watcher ??= _watcher;
        while (!holds(watcher.Facts))
        {
            var change = _changes.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask();
            try
            {
                await change.WaitAsync(Patience.HungWait);
            }
            catch (TimeoutException hung)
            {
                throw new InvalidOperationException(
                    $"no change came; {watcher.Facts.Sync}, {string.Join("; ", watcher.Facts.Notices)}, "
                        + $"{watcher.ExecuteTask?.Status} {watcher.ExecuteTask?.Exception}",
                    hung
                );
            }
        }
    }

    private static string Pod(string uid, string vmi, int version = 3, string mode = "") =>
        $$$"""
            {"metadata":{"uid":"{{{uid}}}","namespace":"default","name":"virt-launcher-{{{uid}}}","resourceVersion":"{{{version}}}",
            "labels":{"kubevirt.io":"virt-launcher"},"annotations":{"pinagent.dev/mode":"{{{mode}}}"},
            "ownerReferences":[{"kind":"VirtualMachineInstance","name":"{{{vmi}}}","uid":"uid-{{{vmi}}}"}]},
            "spec":{"containers":[{"name":"compute"}]},
            "status":{"containerStatuses":[{"name":"compute","containerID":"containerd://c"}]}}
            """.ReplaceLineEndings("");

    private static string Vmi(string name) =>
        $$$$$"""
            {"metadata":{"uid":"uid-{{{{{name}}}}}","namespace":"default","name":"{{{{{name}}}}}","resourceVersion":"5"},
            "spec":{"domain":{"cpu":{"dedicatedCpuPlacement":true}}}}
            """.ReplaceLineEndings("");
}
