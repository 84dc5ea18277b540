using PinAgent.Model.Cpu;
using PinAgent.Model.Kubernetes;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Observe;
using PinAgent.Observe.Kubelet;
using PinAgent.Observe.Qemu;
using PinAgent.Tests.Kubernetes;
using PinAgent.Tests.Plan;
using Xunit;

namespace PinAgent.Tests.Observe.Kubelet;

/// <summary>The PodResources API's answers while the agent makes its passes.</summary>
public sealed class PodResourcesWatchTests : IAsyncLifetime
{
    private const int Timeout = Patience.Hang;
    private static readonly CpuManagerCheckpoint Before = Checkpoint("2-5");
    private static readonly CpuManagerCheckpoint After = Checkpoint("2-7");

    private readonly KubeletFolder _folder = new();
    private readonly WatchedTime _time = new();
    private readonly PodResourcesWatch _watch;
    private FakeKubelet _kubelet = null!;
    private int _questions;

    public PodResourcesWatchTests() => _watch = new PodResourcesWatch("/", _folder.Path, _time);

    public async ValueTask InitializeAsync()
    {
        _kubelet = await FakeKubelet.StartAsync(_folder.Socket);
        _kubelet.Allocatable = _ =>
        {
            Interlocked.Increment(ref _questions);
            return Task.FromResult(FakeKubelet.Cpus("0-15"));
        };
        Tell("2-5");
        await _watch.StartAsync(TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _watch.StopAsync(TestContext.Current.CancellationToken);
        _watch.Dispose();
        await _kubelet.DisposeAsync();
        _folder.Dispose();
    }

    [Fact(Timeout = Timeout)]
    public async Task It_is_asked_again_when_the_checkpoint_changes()
    {
        await UntilAsync(Before, "2-5");
        Tell("2-7");
        await UntilAsync(After, "2-7");
    }

    [Fact(Timeout = Timeout)]
    public async Task It_is_asked_again_when_a_VM_appears_in_a_new_pod()
    {
        await UntilAsync(Before, "2-5");
        Tell("8-9");
        await UntilAsync(Before, "8-9", "pod1");
    }

    [Fact(Timeout = Timeout)]
    public async Task It_is_left_alone_while_nothing_changes_and_asked_once_a_minute()
    {
        await UntilAsync(Before, "2-5", "pod1", "pod2");
        var questions = _questions;
        for (var pass = 0; pass < 1000; pass++)
        {
            // A VM that goes is no reason.
            Look(Checkpoint("2-5"), pass < 500 ? ["pod1", "pod2"] : ["pod1"]);
        }

        Assert.Equal(questions, _questions);
        Tell("8-9");
        _time.Advance(PodResourcesWatch.Period);
        await UntilAsync(Before, "8-9", "pod1");
        Assert.Equal(questions + 1, _questions);
    }

    [Fact(Timeout = Timeout)]
    public async Task A_kubelet_that_hangs_delays_no_pass_and_its_old_answer_isnt_held_against_the_new_checkpoint()
    {
        await UntilAsync(Before, "2-5");
        var asked = new TaskCompletionSource();
        var answer = new TaskCompletionSource();
        var told = _kubelet.List;
        _kubelet.List = async context =>
        {
            asked.TrySetResult();
            await answer.Task.WaitAsync(context.CancellationToken);
            return await told(context);
        };

        Assert.Null(Look(After).Known);
        await asked.Task;
        Assert.Null(Look(After).Known);
        answer.SetResult();
        await UntilAsync(After, "2-5");
    }

    [Fact(Timeout = Timeout)]
    public async Task A_kubelet_that_restarts_is_found_again()
    {
        await UntilAsync(Before, "2-5");
        await _kubelet.GoAwayAsync();
        _time.Advance(PodResourcesWatch.Period);
        while (Look(Before).Known is not null)
        {
            await Task.Yield();
        }

        Assert.Equal($"{_folder.Socket}: no such socket", Look(Before).Evidence);
        Tell("8-9");
        await _kubelet.ComeBackAsync();
        _time.Advance(PodResourcesWatch.Period);
        await UntilAsync(Before, "8-9");
    }

    [Fact(Timeout = Timeout)]
    public async Task A_pass_takes_the_answer_in_with_its_evidence()
    {
        using var host = new FakeHost();
        host.Folder("/proc").Write("/sys/devices/system/cpu/online", "0-1\n");
        var observer = new NodeObserver(
            host.Files,
            new RecordedAffinityReader(host.Files),
            CpuManagerObserver.DefaultKubeletRoot,
            podResources: _watch
        );
        var snapshot = observer.Observe();
        while (snapshot.PodResources is null)
        {
            await Task.Yield();
            snapshot = observer.Observe();
        }

        Assert.Equal("0-15", snapshot.PodResources.Allocatable.ToString());
        Assert.StartsWith(
            $"{_folder.Socket}: CPUs 0-15 to give out",
            snapshot.CpuManager.Evidence[^1],
            StringComparison.Ordinal
        );
    }

    private void Tell(string cpus) => _kubelet.Tell(FakeKubelet.Pod("vm1", ("compute", cpus)));

    private PodResourcesObservation Look(CpuManagerCheckpoint checkpoint, params string[] pods) =>
        _watch.Look(
            checkpoint,
            [.. pods.Select(pod => Vms.Vm(pod, "0-1", new GuestTopology(1, 1, 1)).InPod(pod))]
        );

    private async Task UntilAsync(
        CpuManagerCheckpoint checkpoint,
        string cpus,
        params string[] pods
    )
    {
        while (
            Look(checkpoint, pods).Known?.Containers[new("default", "vm1", "compute")].ToString()
            != cpus
        )
        {
            await Task.Yield();
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
        }
    }

    private static CpuManagerCheckpoint Checkpoint(string cpus) =>
        new("static", CpuSet.Of(0), [new("pod1", "compute", CpuSet.Parse(cpus))]);
}
