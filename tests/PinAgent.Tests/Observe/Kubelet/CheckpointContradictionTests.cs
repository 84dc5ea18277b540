using System.Text;
using PinAgent.Model.Node;
using PinAgent.Observe.Kubelet;
using PinAgent.Report.Doctor;
using Xunit;

namespace PinAgent.Tests.Observe.Kubelet;

/// <summary>Checkpoints that say two things of a CPU. No kubelet writes one, so these were made by hand.</summary>
public sealed class CheckpointContradictionTests : IDisposable
{
    private const string State = "/var/lib/kubelet/cpu_manager_state";
    private const string Shared =
        "CPUs 2-5 belong to the shared pool and pod aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee's compute at once";

    private readonly FakeHost _host = new();

    [Theory]
    [InlineData("exclusive-and-shared", Shared)]
    [InlineData(
        "two-owners",
        "CPUs 4-5 belong to pod aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee's compute and pod "
            + "bbbbbbbb-bbbb-cccc-dddd-eeeeeeeeeeee's app at once"
    )]
    public void A_CPU_that_is_shared_and_exclusive_or_has_two_owners_is_named(
        string file,
        string expected
    ) =>
        Assert.Equal(
            expected,
            Assert
                .Single(Of(File.ReadAllText(Fixtures.PathOf($"cases/checkpoints/{file}.json"))))
                .Message
        );

    [Theory]
    [InlineData("""{"policyName":"static","defaultCpuSet":"0-1","entries":{"u":{"a":"2-3"}}}""")]
    // An init container's CPUs are the others' afterwards; a pod's are its containers'.
    [InlineData(
        """{"policyName":"static","defaultCpuSet":"0","entries":{"u":{"init":"2-3","a":"2-5"}}}"""
    )]
    [InlineData(
        """{"policyName":"static","entries":{"u":{"a":"1"}},"podEntries":{"u":{"cpuSet":"1-3"}}}"""
    )]
    // With another policy the lists mean nothing.
    [InlineData("""{"policyName":"none","defaultCpuSet":"0-3","entries":{"u":{"a":"2-3"}}}""")]
    public void What_kubelets_write_is_no_contradiction(string json) => Assert.Empty(Of(json));

    [Fact]
    public void Pods_and_containers_of_every_format_are_owners()
    {
        var found = Of(
            """
            {"policyName":"static","defaultCpuSet":"9","entries":{"id":"2","u":{"a":"2"},"v":{"b":"7","c":"8"}},
             "podEntries":{"w":{"cpuSet":"7"},"x":"2","y":"2"}}
            """
        );

        Assert.Equal(
            [
                "CPUs 2 belong to container id, pod u's a, pod x and 1 more at once",
                "CPUs 7 belong to pod v and pod w at once",
            ],
            found.Select(one => one.Message)
        );
    }

    [Fact]
    public void Detect_and_doctor_have_a_line_for_it()
    {
        _host.Write(
            State,
            File.ReadAllText(Fixtures.PathOf("cases/checkpoints/exclusive-and-shared.json"))
        );

        var found = CpuManagerObserver.Observe(_host.Files);

        Assert.Equal(CpuManagerState.Static, found.State);
        Assert.Equal($"{_host.PathOf(State)}: contradicts itself: {Shared}", found.Evidence[^1]);
        var check = KubeletChecks
            .Of(new HostFacts { CpuManager = found })
            .Single(one => one.Check == "CPU manager");
        Assert.Equal(FindingLevel.Warning, check.Level);
        Assert.Contains(Shared, check.Found, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_node_with_such_a_checkpoint_has_a_violation()
    {
        using var machine = await MachineFolder.UnpackAsync("checkpoint-contradiction");
        var status = await machine.RunAsync();

        var violation = Assert.Single(
            status["violations"]!.AsArray(),
            one => (string)one!["kind"]! == "checkpoint"
        );
        Assert.Equal("2-5", (string)violation!["cpus"]!);
        Assert.Contains(Shared, (string)violation["message"]!);
    }

    public void Dispose() => _host.Dispose();

    private static IReadOnlyList<CheckpointContradiction> Of(string json)
    {
        Assert.True(
            CpuManagerStateFile.TryParse(
                Encoding.UTF8.GetBytes(json),
                out var checkpoint,
                out var error
            ),
            error
        );
        return CheckpointContradictions.Of(checkpoint);
    }
}
