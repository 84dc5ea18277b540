using System.Net.Sockets;
using System.Text.Json.Nodes;
using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Kubelet;

/// <summary>The agent of the node: a pod of the DaemonSet of <c>deploy/base</c>, from the image.</summary>
internal static class NodeAgent
{
    private const string DaemonSet = "/apis/apps/v1/namespaces/pinagent/daemonsets/pinagent";

    // Asked by HTTP and not by a program, which takes seconds to start on an emulated CPU.
    private static readonly HttpClient Http = new(
        new SocketsHttpHandler { ConnectCallback = ConnectAsync }
    );

    /// <summary>What it says of the node; null while it isn't there.</summary>
    public static async Task<Status?> StatusAsync()
    {
        try
        {
            var status = await Http.GetStringAsync(
                new Uri("http://localhost/api/v1/status"),
                TestContext.Current.CancellationToken
            );
            return new(JsonNode.Parse(status)!);
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }

    /// <summary>Waits until it calls a VM pinned within the CPUs it has now, with every thread where it belongs.</summary>
    public static async Task<Vm> PinnedAsync(LauncherPod pod)
    {
        Status? status = null;
        return await Until.NotNullAsync(
            async () =>
            {
                status = await StatusAsync();
                return
                    status?.Has(pod.Pid) == true
                    && status.Vm(pod.Pid) is { State: "Pinned", Outcomes: "AlreadyRight" } vm
                    && (string?)vm.Json["cpuset"] == pod.Cpuset
                    ? vm
                    : null;
            },
            async () =>
                $"{pod.Name} is pinned; status: {status?.Json}; agent: {(await ClusterApi.GetAsync(DaemonSet))!["status"]}"
        );
    }

    /// <summary>Replaces its pod by another, as an update does, and waits until that one is ready.</summary>
    public static async Task ReplaceAsync()
    {
        var asked = await ClusterApi.MergeAsync(
            DaemonSet,
            $$"""{"spec": {"template": {"metadata": {"annotations": {"restarted": "{{Guid.NewGuid()}}"} } } } }"""
        );
        var generation = (int)asked!["metadata"]!["generation"]!;
        JsonNode? status = null;
        await Until.HoldsAsync(
            async () =>
            {
                status = (await ClusterApi.GetAsync(DaemonSet))!["status"]!;
                return (int?)status["observedGeneration"] >= generation
                    && (int?)status["updatedNumberScheduled"] == 1
                    && (int?)status["numberAvailable"] == 1;
            },
            () => Task.FromResult($"a new pod is available: {status}")
        );
    }

    private static async ValueTask<Stream> ConnectAsync(
        SocketsHttpConnectionContext context,
        CancellationToken stop
    )
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(
            new UnixDomainSocketEndPoint($"{KubeletNode.Run}/pinagent/pinagent.sock"),
            stop
        );
        return new NetworkStream(socket, ownsSocket: true);
    }
}
