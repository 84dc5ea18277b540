using PinAgent.Observe;
using PinAgent.Observe.Kubelet;
using PinAgent.Observe.Qemu;
using Xunit;

namespace PinAgent.Tests.Observe.Kubelet;

/// <summary>A checkpoint says nothing of whether the kubelet still runs that has written it.</summary>
public sealed class KubeletProcessTests : IDisposable
{
    private const string State = "/var/lib/kubelet/cpu_manager_state";
    private const string Static = """{"policyName":"static","defaultCpuSet":"0-1"}""";
    private const string None = """{"policyName":"none","defaultCpuSet":""}""";

    private readonly FakeHost _host = new();

    public KubeletProcessTests() => _host.Folder("/proc");

    [Theory]
    [InlineData("kubelet")]
    [InlineData("kubelite")]
    [InlineData("hyperkube")]
    [InlineData("k3s-agent")]
    public void A_kubelet_is_seen_by_whatever_name_it_has(string name)
    {
        _ = new FakeProcess(_host, 100, "systemd");
        _ = new FakeProcess(_host, 200, name);

        Assert.Empty(Evidence(Static));
    }

    [Fact]
    public void A_static_checkpoint_without_a_kubelet_is_told_of()
    {
        _ = new FakeProcess(_host, 100, "kubelet-exporter");
        _host.Write("/proc/300/stat", "no line of stat");

        Assert.StartsWith(
            $"{_host.PathOf("/proc")}: no kubelet among the processes",
            Assert.Single(Evidence(Static)),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Without_exclusive_CPUs_it_doesnt_matter() => Assert.Empty(Evidence(None));

    [Fact]
    public void The_agent_looks_again_when_the_state_changes_and_not_at_every_pass()
    {
        _host.Write("/sys/devices/system/cpu/online", "0-1\n").Write(State, Static);
        var observer = new NodeObserver(
            _host.Files,
            new RecordedAffinityReader(_host.Files),
            CpuManagerObserver.DefaultKubeletRoot
        );

        Assert.Equal(2, observer.Observe().CpuManager.Evidence.Count);
        _ = new FakeProcess(_host, 200, "kubelet");
        Assert.Equal(2, observer.Observe().CpuManager.Evidence.Count);
        _host.Write(State, None);
        Assert.Single(observer.Observe().CpuManager.Evidence);
        _host.Write(State, Static);
        Assert.Single(observer.Observe().CpuManager.Evidence);
    }

    public void Dispose() => _host.Dispose();

    private IReadOnlyList<string> Evidence(string checkpoint) =>
        KubeletProcess.Evidence(
            _host.Files,
            CpuManagerObserver.Observe(_host.Write(State, checkpoint).Files)
        );
}
