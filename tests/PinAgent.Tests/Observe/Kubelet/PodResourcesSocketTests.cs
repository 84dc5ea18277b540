using System.Net.Sockets;
using System.Text;
using Grpc.Core;
using PinAgent.Model.Kubernetes;
using PinAgent.Observe.Kubelet;
using PinAgent.Tests.Kubelet.V1;
using PinAgent.Tests.Kubernetes;
using Xunit;

namespace PinAgent.Tests.Observe.Kubelet;

/// <summary>What a kubelet tells over its PodResources socket, and what comes of one that doesn't.</summary>
public sealed class PodResourcesSocketTests : IDisposable
{
    private const int Timeout = Patience.Hang;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);

    private readonly KubeletFolder _folder = new();
    private readonly WatchedTime _time = new();

    [Fact(Timeout = Timeout)]
    public async Task A_kubelet_tells_each_containers_CPUs()
    {
        await using var kubelet = await StartAsync();
        kubelet.Allocatable = _ => Task.FromResult(FakeKubelet.Cpus("1-15"));
        kubelet.Tell(
            FakeKubelet.Pod("virt-launcher-vm1", ("compute", "2-5"), ("sidecar", "")),
            FakeKubelet.Pod("other", ("app", "8,300"))
        );

        var (known, evidence) = await AskAsync();

        Assert.Equal("1-15", known!.Allocatable.ToString());
        Assert.Equal(
            ["other/app: 8,300", "virt-launcher-vm1/compute: 2-5", "virt-launcher-vm1/sidecar: "],
            known
                .Containers.Select(c => $"{c.Key.Pod}/{c.Key.Container}: {c.Value}")
                .Order(StringComparer.Ordinal)
        );
        Assert.All(known.Containers, c => Assert.Equal("default", c.Key.Namespace));
        Assert.Equal(
            $"{_folder.Socket}: CPUs 1-15 to give out, 3 containers, 2 of them with CPUs",
            evidence
        );
    }

    [Fact(Timeout = Timeout)]
    public async Task Policy_none_gives_out_no_CPUs()
    {
        await using var kubelet = await StartAsync();
        kubelet.Allocatable = _ => Task.FromResult(new AllocatableResourcesResponse());

        var (known, evidence) = await AskAsync();

        Assert.True(known!.Allocatable.IsEmpty);
        Assert.Empty(known.Containers);
        Assert.Contains("CPUs none to give out", evidence, StringComparison.Ordinal);
    }

    [Fact(Timeout = Timeout)]
    public async Task A_large_node_is_understood()
    {
        await using var kubelet = await StartAsync();
        kubelet.Tell([
            .. Enumerable
                .Range(0, 1000)
                .Select(i =>
                    FakeKubelet.Pod($"pod-{i}", ("a", "0-511"), ("b", "512-1023"), ("c", ""))
                ),
        ]);

        var (known, _) = await AskAsync();

        Assert.Equal(3000, known!.Containers.Count);
        Assert.Equal("512-1023", known.Containers[new("default", "pod-999", "b")].ToString());
    }

    [Fact(Timeout = Timeout)]
    public async Task Where_there_is_no_socket_that_is_all()
    {
        var (known, evidence) = await AskAsync();

        Assert.Null(known);
        Assert.Equal($"{_folder.Socket}: no such socket", evidence);
    }

    [Fact(Timeout = Timeout)]
    public async Task A_socket_that_nobody_serves_is_refused()
    {
        // As a kubelet that was killed leaves it; .NET would delete it.
        using (Listen())
        {
            File.Move(_folder.Socket, $"{_folder.Socket}.old");
        }

        File.Move($"{_folder.Socket}.old", _folder.Socket);

        await AssertFailsAsync("Connection refused");
    }

    [Fact(Timeout = Timeout)]
    public async Task A_file_in_the_sockets_place_is_refused()
    {
        File.WriteAllText(_folder.Socket, "");

        await AssertFailsAsync("refused");
    }

    // It has List, without CPUs.
    [Fact(Timeout = Timeout)]
    public async Task A_kubelet_of_1_20_is_not_taken_to_say_that_there_are_no_CPUs()
    {
        await using var kubelet = await StartAsync();
        kubelet.Tell(FakeKubelet.Pod("virt-launcher-vm1", ("compute", "")));
        kubelet.Allocatable = _ =>
            throw new RpcException(new(StatusCode.Unimplemented, "unknown method"));

        await AssertFailsAsync("gRPC status 12: unknown method; kubelets before 1.21 tell no CPUs");
    }

    [Fact(Timeout = Timeout)]
    public async Task A_kubelets_error_is_told()
    {
        await using var kubelet = await StartAsync();
        kubelet.List = _ =>
            throw new RpcException(
                new(StatusCode.ResourceExhausted, "rejected by rate limit: 100 %")
            );

        await AssertFailsAsync($"{_folder.Socket}: gRPC status 8: rejected by rate limit: 100 %");
    }

    [Theory(Timeout = Timeout)]
    [InlineData(-1)]
    [InlineData(65_536)]
    [InlineData(long.MaxValue)]
    public async Task A_CPU_that_cant_be_spoils_the_answer(long cpu)
    {
        await using var kubelet = await StartAsync();
        var pod = FakeKubelet.Pod("liar", ("compute", "2-5"));
        pod.Containers[0].CpuIds.Add(cpu);
        kubelet.Tell(pod);

        await AssertFailsAsync($"expected a CPU from 0 to 65535, found {cpu}");
    }

    [Fact(Timeout = Timeout)]
    public async Task An_answer_without_end_isnt_taken_in()
    {
        await using var kubelet = await StartAsync();
        kubelet.Tell(FakeKubelet.Pod(new string('x', PodResourcesSocket.LargestMessage)));

        await AssertFailsAsync("exceeds the maximum configured message size");
    }

    [Fact(Timeout = Timeout)]
    public async Task More_containers_with_CPUs_than_a_node_can_have_are_not_taken_in()
    {
        await using var kubelet = await StartAsync();
        kubelet.Tell([
            .. Enumerable
                .Range(0, PodResourcesMessage.MostContainers + 1)
                .Select(i => FakeKubelet.Pod($"{i}", ("c", "65535"))),
        ]);

        await AssertFailsAsync("at most 4096 containers with CPUs");
    }

    [Fact(Timeout = Timeout)]
    public async Task A_kubelet_that_hangs_is_given_up()
    {
        await using var kubelet = await StartAsync();
        var asked = new TaskCompletionSource();
        kubelet.List = async context =>
        {
            asked.SetResult();
            await Task.Delay(-1, context.CancellationToken);
            return new();
        };

        var asking = AskAsync();
        await asked.Task;
        _time.Advance(Limit);

        Assert.Equal(new(null, $"{_folder.Socket}: no answer within 2 s"), await asking);
    }

    [Fact(Timeout = Timeout)]
    public async Task A_server_that_accepts_and_says_nothing_is_given_up()
    {
        using var listener = Listen();
        var asking = AskAsync();
        using var connection = await listener.AcceptAsync(TestContext.Current.CancellationToken);
        _time.Advance(Limit);

        Assert.EndsWith("no answer within 2 s", (await asking).Evidence, StringComparison.Ordinal);
    }

    [Theory(Timeout = Timeout)]
    [InlineData("")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("\0\0\0\u0004\0\0\0\0\0\0\0\0\u0001\0\0\0\0\0garbage after a frame of settings")]
    [InlineData("\u007f\u007f\u007f\u007f\u007f\u007f\u007f\u007f\u007f\u007f\u007f\u007f")]
    public async Task A_server_that_speaks_another_language_is_told_of(string said)
    {
        using var listener = Listen();
        var asking = AskAsync();
        using (var connection = await listener.AcceptAsync(TestContext.Current.CancellationToken))
        {
            await connection.SendAsync(Encoding.Latin1.GetBytes(said));
        }

        var (known, evidence) = await asking;
        Assert.Null(known);
        Assert.StartsWith(_folder.Socket, evidence, StringComparison.Ordinal);
    }

    [Fact(Timeout = Timeout)]
    public async Task A_path_too_long_for_a_socket_is_told_of()
    {
        var root = $"/{new string('k', 100)}/";
        var path = PodResourcesSocket.PathOf(root);
        var (known, evidence) = await PodResourcesSocket.AskAsync(
            "/",
            root,
            Limit,
            _time,
            TestContext.Current.CancellationToken
        );

        Assert.Null(known);
        Assert.StartsWith(
            $"{path}: a socket's path has at most 107",
            evidence,
            StringComparison.Ordinal
        );
    }

    [Fact(Timeout = Timeout)]
    public async Task Below_another_root_the_socket_is_found_and_no_link_leads_out()
    {
        await using var kubelet = await StartAsync();
        var root = Path.GetDirectoryName(_folder.Path)!;
        var name = Path.GetFileName(_folder.Path);
        Directory.CreateSymbolicLink($"{_folder.Path}/inside", $"/{name}");
        Directory.CreateSymbolicLink($"{_folder.Path}/outside", _folder.Path);

        Assert.NotNull((await AskBelowAsync($"/{name}")).Known);
        Assert.NotNull((await AskBelowAsync($"/{name}/inside")).Known);
        Assert.EndsWith(
            "outside/pod-resources/kubelet.sock: no such socket",
            (await AskBelowAsync($"/{name}/outside")).Evidence,
            StringComparison.Ordinal
        );

        Task<PodResourcesObservation> AskBelowAsync(string kubeletRoot) =>
            PodResourcesSocket.AskAsync(
                root,
                kubeletRoot,
                Limit,
                _time,
                TestContext.Current.CancellationToken
            );
    }

    public void Dispose() => _folder.Dispose();

    private Task<FakeKubelet> StartAsync() => FakeKubelet.StartAsync(_folder.Socket);

    private Socket Listen()
    {
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, 0);
        listener.Bind(new UnixDomainSocketEndPoint(_folder.Socket));
        listener.Listen();
        return listener;
    }

    private Task<PodResourcesObservation> AskAsync() =>
        PodResourcesSocket.AskAsync(
            "/",
            _folder.Path,
            Limit,
            _time,
            TestContext.Current.CancellationToken
        );

    private async Task AssertFailsAsync(string expected)
    {
        var (known, evidence) = await AskAsync();
        Assert.Null(known);
        Assert.Contains(expected, evidence, StringComparison.Ordinal);
    }
}
