using System.Collections.Immutable;
using System.Text.Json.Nodes;
using k8s;
using PinAgent.Kubernetes.Client;
using PinAgent.Model.Kubernetes;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Report;
using PinAgent.Report.Cluster;
using PinAgent.Tests.Apply;
using PinAgent.Tests.Kubernetes;
using PinAgent.Tests.Plan;
using PinAgent.Tests.Report.Changes;
using Xunit;

namespace PinAgent.Tests.Report.Cluster;

/// <summary>What a pass makes the agent tell an API server.</summary>
public sealed class ClusterReporterTests : IAsyncLifetime
{
    private const int Timeout = Patience.Hang;
    private const string Events = "/apis/events.k8s.io/v1/namespaces/default/events";

    private readonly FakeApiServer _server = new();
    private readonly WatchedTime _time = new();
    private readonly ApiConnection _connection;
    private readonly ApiOutbox _outbox;

    public ClusterReporterTests()
    {
        _time.SetUtcNow(new(2026, 9, 1, 12, 0, 0, TimeSpan.Zero));
        _connection = new ApiConnection(
            () => new KubernetesClientConfiguration { Host = _server.Address },
            _time
        );
        _outbox = new ApiOutbox(_connection, _time, () => 0.5);
    }

    public async ValueTask InitializeAsync() =>
        await _outbox.StartAsync(TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        await _outbox.StopAsync(TestContext.Current.CancellationToken);
        _outbox.Dispose();
        _connection.Dispose();
        await _server.DisposeAsync();
    }

    [Fact(Timeout = Timeout)]
    public async Task A_pinned_vm_makes_one_event_on_its_pod_and_one_on_its_vmi()
    {
        var reporter = Reporter();

        Look(reporter, Pass(), Facts);

        var pod = await NextEventAsync();
        Assert.Equal(("Pinned", "Normal", "Pod", "virt-launcher-vm1", "p1"), Heading(pod));
        Assert.Equal("2026-09-01T12:00:00.000000Z", (string?)pod["eventTime"]);
        Assert.Equal("node1", (string?)pod["reportingInstance"]);
        Assert.Equal(
            ("Pinned", "Normal", "VirtualMachineInstance", "vm1", "uid-vm1"),
            Heading(await NextEventAsync())
        );
    }

    [Fact(Timeout = Timeout)]
    public async Task A_repeated_event_is_counted_in_place()
    {
        var reporter = Reporter();
        var facts = Facts with { Vmis = Facts.Vmis.Clear() };
        Look(reporter, Pass(wasHeld: true), facts);
        var name = (string)(await NextEventAsync())["metadata"]!["name"]!;

        Look(reporter, Pass(wasHeld: true), facts);
        await SentAsync();
        _time.Advance(TimeSpan.FromMinutes(1));
        Look(reporter, Pass(wasHeld: true), facts);

        var count = await _server.NextAsync($"{Events}/{name}");
        Assert.Equal(
            ("PATCH", "application/merge-patch+json"),
            (count.Method, count.Headers["Content-Type"])
        );
        Assert.Equal(
            """{"series":{"count":3,"lastObservedTime":"2026-09-01T12:01:00.000000Z"}}""",
            count.Body
        );
        await count.RespondAsync(200, "{}");
    }

    [Fact(Timeout = Timeout)]
    public async Task A_server_in_trouble_gets_it_later_and_what_it_refuses_is_dropped()
    {
        var reporter = Reporter();
        Look(reporter, Pass(), Facts);

        await (await _server.NextAsync(Events)).RefuseAsync(500, "InternalError");
        await _time.PassAsync(0.5, 1.5);

        // A server that starts refuses what it will take in a moment.
        for (var refusals = 1; refusals <= 2; refusals++)
        {
            await (await _server.NextAsync(Events)).RefuseAsync(403, "Forbidden");
            await _time.PassAsync(1.5, 6);
        }

        await (await _server.NextAsync(Events)).RefuseAsync(403, "Forbidden");
        Assert.Equal(
            "VirtualMachineInstance",
            (string?)(await NextEventAsync())["regarding"]!["kind"]
        );
        await SentAsync();
        Assert.Equal(1, _outbox.Dropped);
    }

    [Fact(Timeout = Timeout)]
    public async Task What_a_server_refuses_that_is_there_for_long_is_dropped_at_once()
    {
        var reporter = Reporter();
        _time.Advance(ApiConnection.SettlingTime);
        Look(reporter, Pass(), Facts);

        await (await _server.NextAsync(Events)).RefuseAsync(403, "Forbidden");

        Assert.Equal(
            "VirtualMachineInstance",
            (string?)(await NextEventAsync())["regarding"]!["kind"]
        );
        await SentAsync();
        Assert.Equal(1, _outbox.Dropped);
    }

    [Fact(Timeout = Timeout)]
    public async Task While_the_server_is_silent_the_oldest_are_dropped_and_counted()
    {
        for (var i = 0; i < ApiOutbox.Largest + 7; i++)
        {
            _outbox.Put($"{i}", new ApiMessageOut(HttpMethod.Post, Events, "application/json", []));
        }

        Assert.Equal((ApiOutbox.Largest, 7L), (_outbox.Count, _outbox.Dropped));
        await _server.NextAsync(Events);
    }

    [Fact(Timeout = Timeout)]
    public async Task Pods_are_annotated_only_where_that_is_asked_for_and_once_per_change()
    {
        const string Map = """{"vcpus":{"0":"0","1":"8"},"emulator":"1"}""";
        var reporter = Reporter(annotates: true);
        var quiet = Pass(AppliedVm.Pinned());

        Look(reporter, quiet, Facts);
        var patch = await _server.NextAsync("/api/v1/namespaces/default/pods/virt-launcher-vm1");
        Assert.Equal("PATCH", patch.Method);
        Assert.Equal(Map, (string?)Annotation(patch));
        await patch.RespondAsync(200, "{}");

        // Nothing has changed, or the watch brings our own change; then the VM is no longer pinned.
        Look(reporter, quiet, Facts);
        Look(reporter, quiet, With(pod => pod with { Placement = Map }));
        Look(
            reporter,
            quiet with
            {
                Status = quiet.Status with { State = VmState.Waiting },
            },
            Facts
        );
        patch = await _server.NextAsync("/api/v1/namespaces/default/pods/virt-launcher-vm1");
        Assert.Null(Annotation(patch));
        await patch.RespondAsync(200, "{}");

        // A restarted agent that finds the right annotation writes none: the next request is the event.
        Look(Reporter(annotates: true), quiet, With(pod => pod with { Placement = Map }));
        Look(Reporter(), quiet, Facts);
        Look(Reporter(), Pass(), Facts);
        await NextEventAsync();
    }

    [Fact(Timeout = Timeout)]
    public async Task What_is_no_vm_of_a_known_pod_is_not_told_of()
    {
        var reporter = Reporter(annotates: true);

        Look(reporter, Pass(podUid: null), Facts);
        Look(reporter, Pass(podUid: "p9"), Facts);
        Look(reporter, Pass(), With(pod => pod with { IsLauncher = false }));
        Look(reporter, Pass(wasHeld: true), Facts);

        Assert.Equal("PinningDrifted", (string?)(await NextEventAsync())["reason"]);
    }

    private static ClusterFacts Facts { get; } =
        new()
        {
            Pods = ImmutableDictionary<string, PodFacts>.Empty.Add(
                "p1",
                new PodFacts("p1", "default", "virt-launcher-vm1")
                {
                    IsLauncher = true,
                    VmiUid = "uid-vm1",
                }
            ),
            Vmis = ImmutableDictionary<string, VmiFacts>.Empty.Add(
                "uid-vm1",
                new VmiFacts("default", "vm1") { Uid = "uid-vm1" }
            ),
        };

    private static ClusterFacts With(Func<PodFacts, PodFacts> change) =>
        Facts with
        {
            Pods = Facts.Pods.SetItem("p1", change(Facts.Pods["p1"])),
        };

    private ClusterReporter Reporter(bool annotates = false) =>
        new(_outbox, "node1", annotates, _time);

    // A repair is told of a VM that was pinned before.
    private static void Look(ClusterReporter reporter, VmPassResult vm, ClusterFacts facts) =>
        reporter.Look([vm], PassChanges.Of(vm, vm.WasHeld ? vm : null), facts);

    private static VmPassResult Pass(bool wasHeld = false, string? podUid = "p1") =>
        Pass(new AppliedVm(), wasHeld, podUid);

    private static VmPassResult Pass(AppliedVm vm, bool wasHeld = false, string? podUid = "p1")
    {
        var outcome = vm.Apply();
        var observed = outcome.Plan.Vm with { Cgroup = new CgroupLocation("/", podUid, null) };
        return new VmPassResult(
            outcome with
            {
                Plan = outcome.Plan.Judged(verdict => verdict with { Vm = observed }),
            },
            wasHeld
        );
    }

    private async Task<JsonNode> NextEventAsync()
    {
        var request = await _server.NextAsync(Events);
        Assert.Equal("POST", request.Method);
        await request.RespondAsync(201, "{}");
        return JsonNode.Parse(request.Body)!;
    }

    // The answer has been taken in: from now on the clock doesn't bear on it.
    private async Task SentAsync()
    {
        while (_outbox.Count > 0)
        {
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }
    }

    private static (string?, string?, string?, string?, string?) Heading(JsonNode told) =>
        (
            (string?)told["reason"],
            (string?)told["type"],
            (string?)told["regarding"]!["kind"],
            (string?)told["regarding"]!["name"],
            (string?)told["regarding"]!["uid"]
        );

    private static JsonNode? Annotation(FakeRequest patch) =>
        JsonNode.Parse(patch.Body)!["metadata"]!["annotations"]!["pinagent.dev/placement"];
}
