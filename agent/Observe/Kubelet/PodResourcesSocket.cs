using System.Net.Sockets;
using System.Text;
using PinAgent.Model;

namespace PinAgent.Observe.Kubelet;

/// <summary>
/// Asks the kubelet's PodResources API, once, over a connection of its own: a kubelet that restarts makes another socket.
/// </summary>
public static class PodResourcesSocket
{
    /// <summary>How long somebody may be kept waiting for an answer.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    // sun_path of unix(7), less the zero at its end.
    private const int LongestPath = 107;

    /// <summary>The socket.</summary>
    /// <param name="kubeletRoot">The kubelet's root folder.</param>
    public static string PathOf(string kubeletRoot) =>
        $"{kubeletRoot.TrimEnd('/')}/pod-resources/kubelet.sock";

    /// <summary>Asks.</summary>
    /// <param name="path">The socket, as it is for the file system.</param>
    /// <param name="limit">How long the answer may take.</param>
    /// <param name="time">The clock.</param>
    /// <param name="stop">Gives up.</param>
    public static async Task<PodResourcesObservation> AskAsync(
        string path,
        TimeSpan limit,
        TimeProvider time,
        CancellationToken stop
    )
    {
        if (Encoding.UTF8.GetByteCount(path) > LongestPath)
        {
            return Failed($"a socket's path has at most {LongestPath} bytes, so it isn't asked");
        }

        // An old kubelet, or a machine without one.
        if (!File.Exists(path))
        {
            return Failed("no such socket");
        }

        using var end = new CancellationTokenSource(limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, end.Token);
        try
        {
            return await AskAsync(path, either.Token);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return Failed($"no answer within {limit.TotalSeconds:0} s");
        }
        catch (InvalidDataException problem)
        {
            return Failed(problem.Message);
        }
        catch (Exception problem)
            when (problem is HttpRequestException or IOException or SocketException)
        {
            return Failed(problem.GetBaseException().Message);
        }

        PodResourcesObservation Failed(string problem) =>
            new(null, $"{path}: {Words.Printable(problem)}");
    }

    private static async Task<PodResourcesObservation> AskAsync(string path, CancellationToken stop)
    {
        using var kubelet = new GrpcSocket(path);
        CpuSet allocatable;
        try
        {
            allocatable = PodResourcesMessage.ReadAllocatable(
                (
                    await kubelet.CallAsync("v1.PodResourcesLister/GetAllocatableResources", stop)
                ).Span
            );
        }
        catch (InvalidDataException problem)
        {
            // It came with the CPUs in List (Kubernetes 1.21): without it, no CPUs there mean nothing.
            throw new InvalidDataException(
                $"GetAllocatableResources: {problem.Message}; kubelets before 1.21 tell no CPUs",
                problem
            );
        }

        var containers = PodResourcesMessage.ReadList(
            (await kubelet.CallAsync("v1.PodResourcesLister/List", stop)).Span
        );
        var exclusive = containers.Count(container => !container.Value.IsEmpty);
        return new PodResourcesObservation(
            new PodResources(allocatable, containers),
            $"{path}: CPUs {(allocatable.IsEmpty ? "none" : allocatable)} to give out, "
                + $"{containers.Count} containers, {exclusive} of them with CPUs"
        );
    }
}
