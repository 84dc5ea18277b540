using System.Threading.Channels;
using k8s;
using Microsoft.Extensions.Logging.Abstractions;
using PinAgent.Kubernetes.Client;
using PinAgent.Kubernetes.Watch;
using PinAgent.Model.Kubernetes;
using PinAgent.Observe.Cluster;
using Xunit;

namespace PinAgent.Tests.Kubernetes;

/// <summary>One watch of pods against a <see cref="FakeApiServer"/>.</summary>
internal sealed class WatchHarness : IAsyncDisposable
{
    public const string Pods = "/api/v1/pods";

    private readonly CancellationTokenSource _stop = new();
    private readonly Channel<bool> _changes = Channel.CreateUnbounded<bool>();
    private readonly ApiConnection _connection;
    private readonly Task _run;

    public WatchHarness(
        FakeApiServer server,
        Func<KubernetesClientConfiguration>? config = null,
        params string[] paths
    )
    {
        _connection = new ApiConnection(
            config ?? (() => new KubernetesClientConfiguration { Host = server.Address }),
            Time
        );
        Store = new("pods", () => _changes.Writer.TryWrite(true));
        var watch = new ObjectWatch<PodFacts>(
            _connection,
            new("pods", paths.Length > 0 ? paths : [Pods], "fieldSelector=spec.nodeName%3Dnode1"),
            ApiReader.Pods,
            Store,
            Time,
            () => 0.5,
            () => NullLogger.Instance
        );
        _run = watch.RunAsync(_stop.Token);
    }

    public WatchedTime Time { get; } = new();

    public ObjectStore<PodFacts> Store { get; }

    /// <summary>The names of the pods that are known, sorted.</summary>
    public string Names =>
        string.Join(' ', Store.Items.Values.Select(pod => pod.Name).Order(StringComparer.Ordinal));

    /// <summary>A pod as the API has it.</summary>
    public static string Pod(string name, int version, string extra = "") =>
        $$"""{"metadata":{"uid":"uid-{{name}}","namespace":"default","name":"{{name}}","resourceVersion":"{{version}}"}{{extra}}}""";

    /// <summary>Waits until something holds that each change may bring about.</summary>
    public async Task UntilAsync(Func<bool> holds)
    {
        while (!holds())
        {
            await _changes.Reader.ReadAsync(TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Answers a list and begins the watch that follows.</summary>
    public static async Task<FakeRequest> SyncAsync(
        FakeApiServer server,
        int version,
        params string[] items
    )
    {
        await (await server.NextAsync(Pods)).ListAsync(version, items);
        var watch = await server.NextAsync(Pods, $"resourceVersion={version}");
        await watch.BeginWatchAsync();
        return watch;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _run;
        _connection.Dispose();
        _stop.Dispose();
    }
}
