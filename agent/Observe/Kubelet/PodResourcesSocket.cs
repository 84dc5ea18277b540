using System.Net.Sockets;
using System.Text;
using Grpc.Core;
using Grpc.Net.Client;
using PinAgent.Model.Cpu;
using PinAgent.Model.Kubernetes;
using PinAgent.Model.Text;
using PinAgent.NativeInterop.Files;
using PinAgent.Observe.Kubelet.V1;

namespace PinAgent.Observe.Kubelet;

/// <summary>
/// Asks the kubelet's PodResources API, once, over a connection of its own: a kubelet that restarts makes another socket.
/// </summary>
internal static class PodResourcesSocket
{
    /// <summary>How long somebody may be kept waiting for an answer.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>The largest message taken, in bytes; the kubelet's own clients take as much.</summary>
    public const int LargestMessage = 16 * 1024 * 1024;

    // sun_path of unix(7), less the zero at its end.
    private const int LongestPath = 107;

    /// <summary>The socket.</summary>
    public static string PathOf(string kubeletRoot) =>
        $"{kubeletRoot.TrimEnd('/')}/pod-resources/kubelet.sock";

    /// <summary>Asks.</summary>
    /// <param name="kubeletRoot">The kubelet's root folder below it.</param>
    /// <param name="limit">
    /// How long the kubelet may take to accept the connection, and to answer each question. What this program takes to
    /// get so far, a second or two where it's compiled as it runs, isn't the kubelet's fault.
    /// </param>
    public static async Task<PodResourcesObservation> AskAsync(
        string root,
        string kubeletRoot,
        TimeSpan limit,
        TimeProvider time,
        CancellationToken stop
    )
    {
        var socket = PathOf(kubeletRoot);
        var path = root.TrimEnd('/') + socket;
        if (Encoding.UTF8.GetByteCount(path) > LongestPath)
        {
            return Failed($"a socket's path has at most {LongestPath} bytes, so it isn't asked");
        }

        // Below another folder than / no link leads out of it: the socket is opened first, and then connected to.
        using var folder = path == socket ? null : new RootFolder(root);
        Place? place = null;
        var found = folder?.TryOpenPlace(socket, out place).IsSuccess ?? File.Exists(path);
        using var held = place;

        // An old kubelet, or a machine without one.
        if (!found)
        {
            return Failed("no such socket");
        }

        using var patience = new KubeletPatience(limit, time, stop);
        try
        {
            return await AskAsync(path, held?.Path ?? path, patience);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return Failed($"no answer within {limit.TotalSeconds:0} s");
        }
        catch (InvalidDataException problem)
        {
            return Failed(problem.Message);
        }
        catch (RpcException problem)
        {
            return Failed(Describe(problem));
        }

        PodResourcesObservation Failed(string problem) =>
            new(null, $"{path}: {Words.Printable(problem)}");
    }

    private static async Task<PodResourcesObservation> AskAsync(
        string path,
        string socket,
        KubeletPatience patience
    )
    {
        var stop = patience.End;
        using var channel = Open(socket, patience);
        var kubelet = new PodResourcesLister.PodResourcesListerClient(channel);
        CpuSet allocatable;
        try
        {
            var answer = await kubelet.GetAllocatableResourcesAsync(new(), cancellationToken: stop);
            allocatable = PodResourcesMessage.Read(answer.CpuIds);
        }
        catch (RpcException problem)
        {
            // It came with the CPUs in List (Kubernetes 1.21): without it, no CPUs there mean nothing.
            throw new InvalidDataException(
                $"GetAllocatableResources: {Describe(problem)}; kubelets before 1.21 tell no CPUs",
                problem
            );
        }

        var containers = PodResourcesMessage.Read(
            await kubelet.ListAsync(new(), cancellationToken: stop)
        );
        var exclusive = containers.Count(container => !container.Value.IsEmpty);
        return new PodResourcesObservation(
            new PodResources(allocatable, containers),
            $"{path}: CPUs {(allocatable.IsEmpty ? "none" : allocatable)} to give out, "
                + $"{containers.Count} containers, {exclusive} of them with CPUs"
        );
    }

    // learn.microsoft.com/aspnet/core/grpc/interprocess-uds
    private static GrpcChannel Open(string path, KubeletPatience patience) =>
        GrpcChannel.ForAddress(
            "http://localhost",
            new GrpcChannelOptions
            {
                HttpHandler = patience.Around(
                    new SocketsHttpHandler
                    {
                        ConnectCallback = async (_, stop) =>
                        {
                            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, 0);
                            try
                            {
                                patience.Begin();
                                await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), stop);
                                return new NetworkStream(socket, ownsSocket: true);
                            }
                            catch
                            {
                                socket.Dispose();
                                throw;
                            }
                        },
                    }
                ),
                DisposeHttpClient = true,
                MaxReceiveMessageSize = LargestMessage,
                ThrowOperationCanceledOnCancellation = true,
            }
        );

    private static string Describe(RpcException problem) =>
        $"gRPC status {(int)problem.StatusCode}: "
        + (problem.Status.DebugException?.GetBaseException().Message ?? problem.Status.Detail);
}
