using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using PinAgent.Model.Cpu;
using PinAgent.Tests.Kubelet.V1;
using PodResources = PinAgent.Tests.Kubelet.V1.PodResources;

namespace PinAgent.Tests.Observe.Kubelet;

/// <summary>A kubelet's PodResources API: a real gRPC server on a Unix socket, whose answers the test gives.</summary>
internal sealed class FakeKubelet : IAsyncDisposable
{
    private readonly string _socket;
    private WebApplication? _server;

    private FakeKubelet(string socket) => _socket = socket;

    /// <summary>What <c>List</c> answers.</summary>
    public Func<ServerCallContext, Task<ListPodResourcesResponse>> List { get; set; } =
        _ => Task.FromResult(new ListPodResourcesResponse());

    /// <summary>What <c>GetAllocatableResources</c> answers.</summary>
    public Func<ServerCallContext, Task<AllocatableResourcesResponse>> Allocatable { get; set; } =
        _ => Task.FromResult(Cpus("0-15"));

    /// <summary>Starts one.</summary>
    public static async Task<FakeKubelet> StartAsync(string socket)
    {
        var kubelet = new FakeKubelet(socket);
        await kubelet.ComeBackAsync();
        return kubelet;
    }

    /// <summary>CPUs to give out.</summary>
    public static AllocatableResourcesResponse Cpus(string cpus) =>
        new() { CpuIds = { CpuSet.Parse(cpus).Select(cpu => (long)cpu) } };

    /// <summary>A pod whose containers have CPUs, and devices and memory, which nobody asked for.</summary>
    public static PodResources Pod(
        string name,
        params (string Container, string Cpus)[] containers
    ) =>
        new()
        {
            Namespace = "default",
            Name = name,
            Containers =
            {
                containers.Select(container => new ContainerResources
                {
                    Name = container.Container,
                    CpuIds = { CpuSet.Parse(container.Cpus).Select(cpu => (long)cpu) },
                    Devices =
                    {
                        new ContainerDevices
                        {
                            ResourceName = "devices.kubevirt.io/kvm",
                            DeviceIds = { "kvm0", "kvm1" },
                        },
                    },
                    Memory =
                    {
                        new ContainerMemory { MemoryType = "memory", Size = 1UL << 40 },
                    },
                }),
            },
        };

    /// <summary>Answers with these pods from now on.</summary>
    public void Tell(params PodResources[] pods) =>
        List = _ => Task.FromResult(new ListPodResourcesResponse { PodResources = { pods } });

    /// <summary>Dies; its socket goes with it.</summary>
    public async Task GoAwayAsync()
    {
        if (_server is { } server)
        {
            _server = null;
            await server.DisposeAsync();
        }
    }

    /// <summary>Starts again, with another socket of the same name.</summary>
    public async Task ComeBackAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(options =>
            options.ListenUnixSocket(_socket, listen => listen.Protocols = HttpProtocols.Http2)
        );
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(new Lister(this));
        _server = builder.Build();
        _server.MapGrpcService<Lister>();
        await _server.StartAsync();
    }

    public async ValueTask DisposeAsync() => await GoAwayAsync();

    private sealed class Lister(FakeKubelet kubelet) : PodResourcesLister.PodResourcesListerBase
    {
        public override Task<ListPodResourcesResponse> List(
            ListPodResourcesRequest request,
            ServerCallContext context
        ) => kubelet.List(context);

        public override Task<AllocatableResourcesResponse> GetAllocatableResources(
            AllocatableResourcesRequest request,
            ServerCallContext context
        ) => kubelet.Allocatable(context);
    }
}
