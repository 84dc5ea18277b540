using System.Numerics;
using PinAgent.Model.Kubernetes;

namespace PinAgent.Plan.Dedication;

/// <summary>What a pod's containers request together, as the scheduler counts. Pure.</summary>
/// <remarks>Source: <c>k8s.io/component-helpers/resource/helpers.go</c>, <c>AggregateContainerRequests</c>.</remarks>
internal static class PodRequests
{
    /// <summary>
    /// The larger of what is requested while the pod runs (its containers and sidecars) and at any time while it starts
    /// (one init container after the other, beside the sidecars that are before it).
    /// </summary>
    /// <param name="containers">The containers, in the pod's order, init containers first.</param>
    /// <param name="request">What one requests; null for nothing.</param>
    public static BigInteger Of(
        IEnumerable<PodContainer> containers,
        Func<PodContainer, BigInteger?> request
    )
    {
        var (running, sidecars, starting) = (BigInteger.Zero, BigInteger.Zero, BigInteger.Zero);
        foreach (var container in containers)
        {
            var amount = request(container) ?? 0;
            if (!container.IsInit)
            {
                running += amount;
            }
            else if (container.IsSidecar)
            {
                running += amount;
                sidecars += amount;
            }

            starting = BigInteger.Max(
                starting,
                container is { IsInit: true, IsSidecar: false } ? sidecars + amount : sidecars
            );
        }

        return BigInteger.Max(running, starting);
    }
}
