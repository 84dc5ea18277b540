using System.Collections.Immutable;
using PinAgent.Model.Cpu;
using PinAgent.Report.Status;

namespace PinAgent.Report.Map;

/// <summary>One VM's CPUs: where its threads are, where they should be, and where they may float.</summary>
internal sealed class VmShare
{
    private readonly int _vm;
    private readonly CpuSet _cpuset;
    private readonly CpuSet _floating;
    private readonly CpuSet _beside;
    private readonly ILookup<int, CpuRole> _roles;

    private VmShare(
        int vm,
        CpuSet cpuset,
        CpuSet floating,
        CpuSet beside,
        ILookup<int, CpuRole> roles
    ) => (_vm, _cpuset, _floating, _beside, _roles) = (vm, cpuset, floating, beside, roles);

    /// <summary>The share of a VM.</summary>
    /// <param name="index">The VM's place in <see cref="NodeStatus.Vms"/>.</param>
    public static VmShare Of(int index, VmStatus vm)
    {
        var cpuset = vm.Cpuset ?? CpuSet.Empty;
        var alive = vm.Threads.Where(thread => thread.Actual is not null).ToList();
        var floating = alive
            .Where(thread => !thread.Actual!.Equals(thread.Wanted))
            .Aggregate(CpuSet.Empty, (cpus, thread) => cpus.Union(thread.Actual!));
        // An emulator may belong on CPUs that aren't the VM's, with those of others.
        var beside = alive
            .Where(thread => thread.Actual!.Equals(thread.Wanted))
            .Aggregate(CpuSet.Empty, (cpus, thread) => cpus.Union(thread.Actual!))
            .Except(cpuset);
        var roles = alive
            .SelectMany(thread => Places(thread, cpuset))
            .GroupBy(place => place)
            .Select(same => (same.Key.Cpu, Role: same.Key.Role with { Count = same.Count() }))
            .OrderBy(place => place.Role.Role)
            .ThenBy(place => place.Role.Index)
            .ToLookup(place => place.Cpu, place => place.Role);
        return new VmShare(index, cpuset, floating, beside, roles);
    }

    /// <summary>The VM's part in a CPU; null if it has none.</summary>
    /// <param name="isShared">Whether it's in the shared pool: there everybody floats, which is nothing to tell.</param>
    public CpuOwner? At(int id, bool isShared)
    {
        ImmutableArray<CpuRole> roles = [.. _roles[id]];
        return roles.IsEmpty && (isShared || !_cpuset.Contains(id))
            ? null
            : new CpuOwner(_vm, roles, _floating.Contains(id), _beside.Contains(id));
    }

    // A thread that isn't where it should be shows where it should, and where it strays outside its VM's CPUs.
    private static IEnumerable<(int Cpu, CpuRole Role)> Places(ThreadStatus thread, CpuSet cpuset)
    {
        if (thread is not { Wanted: { } wanted, Actual: { } actual })
        {
            return [];
        }

        return actual.Equals(wanted)
            ? actual.Select(cpu => (cpu, Role(isThere: true)))
            :
            [
                .. wanted.Select(cpu => (cpu, Role(isThere: false))),
                .. actual.Except(cpuset).Select(cpu => (cpu, Role(isThere: true))),
            ];

        CpuRole Role(bool isThere) => new(thread.Role, thread.Index, isThere, 1);
    }
}
