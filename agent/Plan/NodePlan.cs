using System.Collections.Immutable;
using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Model.Text;
using PinAgent.Model.Vm;
using PinAgent.Plan.Placement;
using PinAgent.Plan.Threads;

namespace PinAgent.Plan;

/// <summary>What should happen on the node: the result of planning, the work of applying.</summary>
/// <param name="Vms">The VMs, in the snapshot's order.</param>
/// <param name="Notices">What the administrator asked for and came to nothing, and what the API server doesn't tell.</param>
internal sealed record NodePlan(ImmutableArray<VmPlan> Vms, ImmutableArray<string> Notices)
{
    /// <summary>The CPUs that somebody, or the agent, has given to dedicated VMs.</summary>
    internal CpuSet CpusOfVms =>
        CpuSet.UnionOf(
            Vms.Where(vm => vm is { Dedicated: true, Cpus.IsGiven: true })
                .Select(vm => vm.Cpus!.Cpus)
        );

    /// <summary>Whether every guest that is named with <c>--vm</c> is there, and none of them refused.</summary>
    public bool IsAsTold { get; init; } = true;
}

/// <summary>What should happen to one VM.</summary>
internal sealed record VmPlan
{
    /// <summary>What its placement depends on, with the verdict whether it's ours to pin.</summary>
    public required VmShape Shape { get; init; }

    /// <summary>The VM as it was found.</summary>
    public ObservedVm Vm => Shape.Vm;

    /// <summary>The namespace: the VMI's, or <c>host</c>.</summary>
    public string Namespace => Shape.Verdict.Namespace;

    /// <summary>The name: the VMI's, or the guest's.</summary>
    public string Name => Shape.Verdict.Name;

    /// <summary>Where what is known of the VM comes from.</summary>
    public FactSource Source => Shape.Verdict.Source;

    /// <summary>Whether the VM asks for dedicated CPUs.</summary>
    public bool Dedicated => Shape.Verdict.Dedicated;

    /// <summary>Which CPUs are its, and whose word that is; null if that couldn't be read, or isn't asked.</summary>
    public VmCpus? Cpus => Shape.Cpus;

    /// <summary>The guest's topology, by the vCPUs that exist.</summary>
    public GuestTopology Guest => Shape.Guest;

    /// <summary>Whether the emulator has CPUs to itself, by the VMI or by inference.</summary>
    public bool IsolateEmulatorThread => Shape.IsolateEmulatorThread;

    /// <summary>Why nothing is to be done; null when there's a placement.</summary>
    public Standing? Obstacle { get; init; }

    /// <summary>How far an annotation or a release lowers the agent's mode for this VM.</summary>
    public ModeLimit Limit => Shape.Verdict.Limit;

    /// <summary>Whether it was given back with <c>pinagent release</c>.</summary>
    public bool IsReleased => Shape.Verdict.IsReleased;

    /// <summary>
    /// Where the threads belong; null when there's an obstacle, unless that is an overlap: then those on CPUs that nobody else
    /// has are held there.
    /// </summary>
    public CpuPlacement? Placement { get; init; }

    /// <summary>
    /// Where the vCPU and I/O threads of a VM belong that hasn't all of them yet, as each of them comes; null in any other case.
    /// </summary>
    public ThreadMasks? Starting { get; init; }

    /// <summary>The threads with what is wanted of them, in the VM's order.</summary>
    public required ImmutableArray<PlannedThread> Threads { get; init; }

    /// <summary>What an administrator should know though it doesn't prevent pinning.</summary>
    public ImmutableArray<string> Advisories { get; init; } = [];

    /// <summary>Which threads are left as another program has set them, and for how long; null if none are.</summary>
    public string? Contested { get; init; }

    /// <summary>Whether a manager may still be placing its threads, so that a mask set otherwise isn't drift yet.</summary>
    public bool IsBeingPlaced { get; init; }

    /// <summary>That the placement of another program has just become the one to hold; null in any other pass.</summary>
    public string? Adopted { get; init; }

    /// <summary>
    /// That its emulator, which had CPUs of its own, has none any more and runs on its vCPUs'; null if it hasn't lost any.
    /// </summary>
    public string? LostIsolation { get; init; }

    /// <summary>
    /// Who tells which exclusive CPUs of it: its cgroup, the kubelet's API and checkpoint; null if they agree.
    /// </summary>
    public string? Disagreement => Shape.Verdict.Disagreement;

    /// <summary>The CPUs that are its vCPUs' alone; none while it has no placement.</summary>
    internal CpuSet VcpuCpus =>
        Placement is { } placement ? CpuSet.Of(placement.Vcpus) : CpuSet.Empty;

    /// <summary>The CPUs that are its; null if that couldn't be read.</summary>
    internal CpuSet? Cpuset => Cpus?.Cpus ?? Vm.Cpuset;

    /// <summary>Namespace and name, printable.</summary>
    internal string FullName => $"{Words.Shown(Namespace)}/{Words.Shown(Name)}";
}

/// <summary>One thread and the CPUs it belongs on.</summary>
/// <param name="Wanted">The CPUs; null when nothing is wanted of it.</param>
/// <param name="Rule">Which rule put it there, in words; null when nothing is wanted of it.</param>
/// <param name="IsConfined">Whether the thread's own cgroup doesn't have those CPUs.</param>
internal sealed record PlannedThread(
    VmThread Thread,
    CpuSet? Wanted,
    string? Rule = null,
    bool IsConfined = false
)
{
    /// <summary>Whether another program keeps setting its mask, so that it's left alone for a while.</summary>
    public bool IsContested { get; init; }

    /// <summary>
    /// Whether it has come since its VM was last planned: what is set then is its beginning, and no repair.
    /// </summary>
    public bool IsNew { get; init; }

    /// <summary>How urgently it is to get a CPU; null when nothing is wanted of it.</summary>
    public ThreadScheduling? Scheduling { get; init; }

    /// <summary>Whether its mask or its priority isn't what it should be, and could be.</summary>
    internal bool IsStray => HasStrayMask || HasStrayScheduling;

    /// <summary>Whether it isn't on the CPUs where it belongs, and could be put there.</summary>
    internal bool HasStrayMask =>
        Wanted is { } wanted
        && !IsConfined
        && !Thread.IsAmbiguous
        && Thread.Affinity is { } actual
        && !actual.Equals(wanted);

    /// <summary>Whether it has another priority than it should.</summary>
    internal bool HasStrayScheduling =>
        Scheduling is { } wanted
        && !Thread.IsAmbiguous
        && Thread.Scheduling is { } actual
        && actual != wanted;
}
