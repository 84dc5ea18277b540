namespace PinAgent.Plan.Placement;

/// <summary>
/// The one entrance to placement: checks a request for what no policy can answer, then asks the policy, or, where libvirt has given
/// the vCPUs cgroups of their own, places each within its own.
/// </summary>
internal static class Placer
{
    private static readonly IPlacementPolicy[] Policies = [new KubeVirtPolicy()];

    /// <summary>The policy used where none is named.</summary>
    public static IPlacementPolicy Default => Policies[0];

    /// <summary>The names of the policies.</summary>
    public static IEnumerable<string> PolicyNames => Policies.Select(policy => policy.Name);

    /// <summary>The policy with this name, or null.</summary>
    public static IPlacementPolicy? FindPolicy(string name) =>
        Array.Find(Policies, policy => policy.Name == name);

    /// <summary>Places one VM, or says why it can't be placed.</summary>
    public static PlacementResult Place(PlacementRequest request, IPlacementPolicy policy) =>
        Check(request)
        ?? (request.VcpuCpusets.IsEmpty ? policy.Place(request) : ConfinedPlacement.Place(request));

    private static Refusal? Check(PlacementRequest request)
    {
        if (
            request.Vcpus is < 1 or > PlacementRequest.MaxThreads
            || request.ThreadsPerCore is < 1 or > PlacementRequest.MaxThreads
        )
        {
            return Refusals.InvalidInput(
                request,
                $"expected 1 to {PlacementRequest.MaxThreads} vCPUs and threads per core, found "
                    + $"{request.Vcpus} and {request.ThreadsPerCore}"
            );
        }

        if (
            request.IoThreads is < 0 or > PlacementRequest.MaxThreads
            || request.SupplementalIoThreads is < 0 or > PlacementRequest.MaxThreads
        )
        {
            return Refusals.InvalidInput(
                request,
                $"expected 0 to {PlacementRequest.MaxThreads} I/O threads, found {request.IoThreads} "
                    + $"and {request.SupplementalIoThreads} supplemental"
            );
        }

        if (request is { IoThreads: > 0, SupplementalIoThreads: > 0 })
        {
            return Refusals.InvalidInput(
                request,
                "ioThreads and supplementalIoThreads exclude each other: a VM's I/O threads are of one kind"
            );
        }

        if (!request.EmulatorCpuset.IsSubsetOf(request.Cpuset))
        {
            return Refusals.InvalidInput(
                request,
                $"emulatorCpuset {request.EmulatorCpuset} must lie within the cpuset {request.Cpuset}"
            );
        }

        var unknown = request.Cpuset.Except(request.Topology.Online);
        if (!unknown.IsEmpty)
        {
            return Refusals.UnknownCpu(request, unknown);
        }

        return request.Cpuset.Count < request.Vcpus ? Refusals.NotEnoughCpus(request) : null;
    }
}
