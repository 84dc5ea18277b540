using System.Collections.Immutable;
using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;
using PinAgent.Report.Status;

namespace PinAgent.Report.Map;

/// <summary>Which CPU is whose, and what for. Pure.</summary>
internal sealed class NodeMap
{
    /// <summary>Up to so many CPUs there's room for VMs' names.</summary>
    public const int Roomy = 16;

    /// <summary>Beyond so many there's room for abbreviations only.</summary>
    public const int Dense = 64;

    /// <summary>Beyond so many there's room for VMs' letters alone.</summary>
    public const int Crowded = 512;

    private readonly ImmutableSortedDictionary<int, MappedCpu> _cpus;

    private NodeMap(IEnumerable<MappedCpu> cpus) =>
        _cpus = cpus.ToImmutableSortedDictionary(cpu => cpu.Id, cpu => cpu);

    /// <summary>The CPUs in ascending order, offline ones included.</summary>
    public IEnumerable<MappedCpu> Cpus => _cpus.Values;

    /// <summary>One CPU.</summary>
    /// <exception cref="KeyNotFoundException">The node has no such CPU.</exception>
    public MappedCpu this[int id] => _cpus[id];

    /// <summary>The map of a status.</summary>
    public static NodeMap Of(NodeStatus status)
    {
        var pool = status.CpuManager.SharedPool ?? CpuSet.Empty;
        var shares = status
            .Vms.Index()
            .Where(vm => HasCpus(vm.Item))
            .Select(vm => VmShare.Of(vm.Index, vm.Item))
            .ToList();
        var undedicated = status
            .Vms.Where(vm => !HasCpus(vm))
            .Aggregate(CpuSet.Empty, (cpus, vm) => cpus.Union(vm.Cpuset ?? CpuSet.Empty));
        var kinds = status
            .Topology.Cpus.Where(cpu => cpu.Kind is not null)
            .ToDictionary(cpu => cpu.Id, cpu => cpu.Kind);
        return new NodeMap([
            .. status.Topology.Online.Select(Map),
            .. status.Topology.Offline.Select(id => new MappedCpu(id, CpuUse.Offline, [])),
        ]);

        // One to which nobody has given CPUs, and which has no place either, may run where everybody does.
        static bool HasCpus(VmStatus vm) =>
            vm.Dedicated
            && (
                (
                    vm.CpusetSource != CpuSource.Inherited
                    && vm.Reason is not (Reason.CpusetIsSharedPool or Reason.NoCpusetOfItsOwn)
                ) || vm.Threads.Any(thread => thread.Wanted is not null)
            );

        MappedCpu Map(int id)
        {
            var isShared = pool.Contains(id);
            ImmutableArray<CpuOwner> owners =
            [
                .. shares
                    .Select(share => share.At(id, isShared))
                    .OfType<CpuOwner>()
                    .OrderBy(owner => owner.IsVisitor),
            ];
            // Whoever may run everywhere is told of where it's somebody else's CPU, and nowhere else.
            if (owners.All(owner => owner.IsVisitor))
            {
                owners = [.. owners.Where(owner => !owner.Roles.IsEmpty)];
            }

            var use =
                owners.Any(owner => !owner.IsBeside) ? CpuUse.Vm
                : isShared ? CpuUse.SharedPool
                : !owners.IsEmpty ? CpuUse.Beside
                : pool.IsEmpty
                    ? undedicated.Contains(id) ? CpuUse.Undedicated
                        : CpuUse.Free
                : CpuUse.OtherExclusive;
            return new MappedCpu(id, use, owners) { Kind = kinds.GetValueOrDefault(id) };
        }
    }
}

/// <summary>What a CPU is used for.</summary>
internal enum CpuUse
{
    /// <summary>A dedicated VM's, or several VMs'.</summary>
    Vm,

    /// <summary>Everybody's who has no CPUs of its own.</summary>
    SharedPool,

    /// <summary>Outside the shared pool, and no dedicated VM's: the kubelet has given it to another container.</summary>
    OtherExclusive,

    /// <summary>No dedicated VM's, though threads of some belong there that run no vCPU.</summary>
    Beside,

    /// <summary>No dedicated VM's, on a node whose shared pool isn't known; VMs that aren't dedicated may run there.</summary>
    Undedicated,

    /// <summary>No VM's, on a node whose shared pool isn't known.</summary>
    Free,

    /// <summary>Switched off.</summary>
    Offline,
}

/// <summary>One CPU.</summary>
/// <param name="Use">What it is used for.</param>
/// <param name="Owners">The dedicated VMs it belongs to: more than one where they overlap.</param>
internal sealed record MappedCpu(int Id, CpuUse Use, ImmutableArray<CpuOwner> Owners)
{
    /// <summary>Whether it's a VM's own and another's threads belong there, too.</summary>
    public bool IsContested => Use == CpuUse.Vm && Owners.Count(owner => !owner.IsVisitor) > 1;

    /// <summary>The kind of core on machines that mix them; null on others.</summary>
    public CoreKind? Kind { get; init; }
}

/// <summary>A VM's part in a CPU.</summary>
/// <param name="Vm">The VM, by its place in <see cref="NodeStatus.Vms"/>.</param>
/// <param name="Roles">The threads that belong there, vCPUs first; none where it's only in the VM's cpuset.</param>
/// <param name="Floats">Whether threads without a place of their own may run there.</param>
/// <param name="IsBeside">Whether it isn't the VM's own, and threads of it that run no vCPU belong there.</param>
internal sealed record CpuOwner(
    int Vm,
    ImmutableArray<CpuRole> Roles,
    bool Floats,
    bool IsBeside = false
)
{
    /// <summary>
    /// Whether it's none of the VM's CPUs, and threads may run there that belong elsewhere: all roles, or none where they may
    /// run nearly everywhere.
    /// </summary>
    public bool IsVisitor { get; init; }
}

/// <summary>Threads of one role on a CPU.</summary>
/// <param name="Index">The vCPU's or I/O thread's number; null for others.</param>
/// <param name="IsThere">Whether their masks say so; false where it's only wanted.</param>
internal readonly record struct CpuRole(ThreadRole Role, int? Index, bool IsThere, int Count);
