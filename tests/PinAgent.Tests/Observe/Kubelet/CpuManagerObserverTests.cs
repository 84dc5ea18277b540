using PinAgent.Model.Node;
using PinAgent.Observe.Kubelet;
using Xunit;

namespace PinAgent.Tests.Observe.Kubelet;

/// <summary>Whether the kubelet of a machine gives out CPUs, by the files it has there.</summary>
public sealed class CpuManagerObserverTests : IDisposable
{
    private const string State = "/var/lib/kubelet/cpu_manager_state";

    private readonly FakeHost _host = new();

    [Fact]
    public void Finds_policy_static_with_its_shared_pool()
    {
        _host.Write(
            State,
            """{"policyName":"static","defaultCpuSet":"0-1","entries":{"uid":{"compute":"2-5"}}}"""
        );

        var found = CpuManagerObserver.Observe(_host.Files);

        Assert.Equal(CpuManagerState.Static, found.State);
        Assert.Equal("0-1", found.SharedPool?.ToString());
        Assert.Equal(
            $"{_host.PathOf(State)}: policy static, shared pool 0-1, 1 exclusive entry",
            Assert.Single(found.Evidence)
        );
    }

    [Fact]
    public void Finds_policy_none_which_has_no_shared_pool()
    {
        _host.Write(State, """{"policyName":"none","defaultCpuSet":"","checksum":1353318690}""");

        var found = CpuManagerObserver.Observe(_host.Files);

        Assert.Equal(CpuManagerState.None, found.State);
        Assert.NotNull(found.Checkpoint);
        Assert.Null(found.SharedPool);
        Assert.Equal([$"{_host.PathOf(State)}: policy none"], found.Evidence);
    }

    [Fact]
    public void Cant_tell_with_a_policy_of_the_future()
    {
        _host.Write(State, """{"policyName":"clever","defaultCpuSet":"0-1"}""");

        var found = CpuManagerObserver.Observe(_host.Files);

        Assert.Equal(CpuManagerState.Unknown, found.State);
        Assert.Null(found.SharedPool);
        Assert.Equal([$"{_host.PathOf(State)}: policy clever"], found.Evidence);
    }

    [Fact]
    public void Takes_a_kubelet_without_a_checkpoint_for_policy_none()
    {
        _host.Folder("/var/lib/kubelet/pods");

        var found = CpuManagerObserver.Observe(_host.Files);

        Assert.Equal(CpuManagerState.None, found.State);
        Assert.Null(found.Checkpoint);
        Assert.Contains("no such file", Assert.Single(found.Evidence), StringComparison.Ordinal);
    }

    [Fact]
    public void An_empty_shared_pool_is_called_so()
    {
        _host.Write(
            State,
            """{"policyName":"static","defaultCpuSet":"","entries":{"uid":{"compute":"2-5"}}}"""
        );

        Assert.Contains(
            "shared pool empty, 1 exclusive entry",
            Assert.Single(CpuManagerObserver.Observe(_host.Files).Evidence),
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("/var/lib/kubelet", true, false, "/var/lib/kubelet")]
    [InlineData("/var/lib/kubelet", true, true, "/var/lib/kubelet")]
    [InlineData("/var/lib/kubelet", false, false, "/var/lib/kubelet")]
    [InlineData("/var/lib/kubelet/", false, true, CpuManagerObserver.OldOpenShiftRoot)]
    [InlineData("/data/kubelet", false, true, "/data/kubelet")]
    public void OpenShifts_old_root_is_taken_where_the_default_one_is_not_there(
        string given,
        bool hasDefault,
        bool hasOpenShift,
        string expected
    )
    {
        if (hasDefault)
        {
            _host.Folder("/var/lib/kubelet/pods");
        }

        if (hasOpenShift)
        {
            _host.Folder($"{CpuManagerObserver.OldOpenShiftRoot}/pods");
        }

        Assert.Equal(expected, CpuManagerObserver.FindRoot(_host.Files, given));
    }

    [Fact]
    public void Cant_tell_without_a_kubelet()
    {
        var found = CpuManagerObserver.Observe(_host.Files);

        Assert.Equal(CpuManagerState.Unknown, found.State);
        var evidence = Assert.Single(found.Evidence);
        Assert.StartsWith(_host.PathOf("/var/lib/kubelet"), evidence, StringComparison.Ordinal);
        Assert.Contains("--kubelet-root", evidence, StringComparison.Ordinal);
    }

    [Fact]
    public void Cant_tell_from_a_checkpoint_that_cant_be_read()
    {
        // A folder in the file's place: an error even for root, who may read everything.
        _host.Folder(State);

        var found = CpuManagerObserver.Observe(_host.Files);

        Assert.Equal(CpuManagerState.Unknown, found.State);
        Assert.Equal(
            $"{_host.PathOf(State)}: can't be read: is a directory (EISDIR)",
            Assert.Single(found.Evidence)
        );
    }

    [Theory]
    [InlineData("")]
    [InlineData("""{"policyName":"static","defaultCpuSet":"0-""")]
    public void Cant_tell_from_a_checkpoint_cut_short(string json)
    {
        _host.Write(State, json);

        var found = CpuManagerObserver.Observe(_host.Files);

        Assert.Equal(CpuManagerState.Unknown, found.State);
        Assert.Null(found.Checkpoint);
        Assert.StartsWith(
            $"{_host.PathOf(State)}: expected JSON",
            Assert.Single(found.Evidence),
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("/var/snap/microk8s/common/var/lib/kubelet")]
    [InlineData("/data/kubelet/")]
    public void Looks_where_the_kubelets_root_is(string root)
    {
        _host.Write(
            $"{root}/cpu_manager_state",
            """{"policyName":"static","defaultCpuSet":"0-1"}"""
        );

        Assert.Equal(CpuManagerState.Static, CpuManagerObserver.Observe(_host.Files, root).State);
        Assert.Equal(CpuManagerState.Unknown, CpuManagerObserver.Observe(_host.Files).State);
    }

    [Theory]
    [InlineData("dra.cpu-reg.sock")]
    [InlineData("dra.cpu-2b1c0d6e-reg.sock")]
    public void Finds_a_DRA_driver_in_the_CPU_managers_place(string socket)
    {
        const string Registry = "/var/lib/kubelet/plugins_registry";
        _host
            .Write(State, """{"policyName":"none","defaultCpuSet":""}""")
            .Write($"{Registry}/{socket}", "");

        var found = CpuManagerObserver.Observe(_host.Files);

        Assert.Equal(CpuManagerState.Dra, found.State);
        Assert.Equal(
            [
                $"{_host.PathOf(State)}: policy none",
                $"{_host.PathOf(Registry)}/{socket}: a DRA driver for CPUs is registered with the kubelet",
            ],
            found.Evidence
        );
    }

    [Fact]
    public void Finds_a_DRA_driver_where_the_kubelet_has_no_checkpoint()
    {
        _host.Write("/var/lib/kubelet/plugins_registry/dra.cpu-reg.sock", "");

        Assert.Equal(CpuManagerState.Dra, CpuManagerObserver.Observe(_host.Files).State);
    }

    [Theory]
    [InlineData("gpu.nvidia.com-reg.sock")]
    [InlineData("dra.cpuset-reg.sock")]
    [InlineData("dra.cpu.example.com-reg.sock")]
    [InlineData("my-dra.cpu-reg.sock")]
    [InlineData("dra.cpu.sock")]
    public void Takes_no_other_plugin_for_a_DRA_driver_for_CPUs(string socket)
    {
        _host
            .Write(State, """{"policyName":"none","defaultCpuSet":""}""")
            .Write($"/var/lib/kubelet/plugins_registry/{socket}", "");

        Assert.Equal(CpuManagerState.None, CpuManagerObserver.Observe(_host.Files).State);
    }

    [Theory]
    [InlineData("""{"policyName":"static","defaultCpuSet":"0-1"}""", CpuManagerState.Static)]
    [InlineData("""{"policyName":"sta""", CpuManagerState.Unknown)]
    public void Says_of_a_DRA_driver_beside_what_the_checkpoint_says(
        string json,
        CpuManagerState expected
    )
    {
        _host.Write(State, json).Write("/var/lib/kubelet/plugins_registry/dra.cpu-reg.sock", "");

        var found = CpuManagerObserver.Observe(_host.Files);

        Assert.Equal(expected, found.State);
        Assert.Contains("a DRA driver for CPUs", found.Evidence[^1], StringComparison.Ordinal);
    }

    public void Dispose() => _host.Dispose();
}
