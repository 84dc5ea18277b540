using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;
using PinAgent.Report.Status;

namespace PinAgent.Report.Map;

/// <summary>One VM's CPUs: where its threads are, where they should be, and where they may float.</summary>
internal sealed class VmShare
{
    private readonly int _vm;
    private readonly CpuSet _cpuset;
    private readonly CpuSet _floating;
    private readonly CpuSet _beside;
    private readonly CpuSet _own;
    private readonly CpuSet _wide;
    private readonly ILookup<int, CpuRole> _roles;

    private VmShare(int vm, CpuSet cpuset, List<ThreadStatus> alive)
    {
        (_vm, _cpuset) = (vm, cpuset);
        _floating = Union(alive.Where(IsAstray));
        // An emulator may belong on CPUs that aren't the VM's, with those of others.
        _beside = Union(alive.Where(thread => !IsAstray(thread))).Except(cpuset);
        _own = alive
            .Where(thread => thread.Wanted is not null)
            .Aggregate(cpuset, (cpus, thread) => cpus.Union(thread.Wanted!));
        _wide = Union(alive.Where(thread => IsAstray(thread) && IsWide(thread, cpuset)));
        _roles = alive
            .SelectMany(thread => Places(thread, cpuset))
            .GroupBy(place => place)
            .Select(same => (same.Key.Cpu, Role: same.Key.Role with { Count = same.Count() }))
            .OrderBy(place => place.Role.Role)
            .ThenBy(place => place.Role.Index)
            .ToLookup(place => place.Cpu, place => place.Role);
    }

    /// <summary>The share of a VM.</summary>
    /// <param name="index">The VM's place in <see cref="NodeStatus.Vms"/>.</param>
    public static VmShare Of(int index, VmStatus vm)
    {
        var alive = vm.Threads.Where(thread => thread.Actual is not null).ToList();
        // What everybody has is nobody's own.
        var cpuset =
            vm.CpusetSource == CpuSource.Inherited
                ? alive.Aggregate(
                    CpuSet.Empty,
                    (cpus, thread) => cpus.Union(thread.Wanted ?? CpuSet.Empty)
                )
                : vm.Cpuset ?? CpuSet.Empty;
        return new VmShare(index, cpuset, alive);
    }

    /// <summary>The VM's part in a CPU; null if it has none.</summary>
    /// <param name="isShared">Whether it's in the shared pool: there everybody floats, which is nothing to tell.</param>
    public CpuOwner? At(int id, bool isShared)
    {
        // Most CPUs aren't of most VMs.
        return !_roles.Contains(id) && (isShared || !_cpuset.Contains(id)) && !_wide.Contains(id)
            ? null
            : new CpuOwner(_vm, [.. _roles[id]], _floating.Contains(id), _beside.Contains(id))
            {
                IsVisitor = !_own.Contains(id),
            };
    }

    private static CpuSet Union(IEnumerable<ThreadStatus> threads) =>
        threads.Aggregate(CpuSet.Empty, (cpus, thread) => cpus.Union(thread.Actual!));

    private static bool IsAstray(ThreadStatus thread) => !thread.Actual!.Equals(thread.Wanted);

    // It may run on more CPUs of others than its VM has.
    private static bool IsWide(ThreadStatus thread, CpuSet cpuset) =>
        thread.Actual!.Except(cpuset).Count > cpuset.Count;

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
                .. IsWide(thread, cpuset)
                    ? []
                    : actual.Except(cpuset).Select(cpu => (cpu, Role(isThere: true))),
            ];

        CpuRole Role(bool isThere) => new(thread.Role, thread.Index, isThere, 1);
    }
}
