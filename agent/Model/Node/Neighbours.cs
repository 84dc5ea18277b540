using PinAgent.Model.Cpu;
using PinAgent.Model.Text;
using PinAgent.Model.Vm;

namespace PinAgent.Model.Node;

/// <summary>
/// What was found around the VMs at one of the seldom looks at all processes, interrupts and limits. It decides nothing
/// about pinning.
/// </summary>
internal sealed record NodeNeighbours
{
    /// <summary>Nobody has looked, or nothing was found.</summary>
    public static NodeNeighbours Nothing { get; } = new();

    /// <summary>The processes that may run on a vCPU's CPU, those with the most CPU time first.</summary>
    public ValueList<ForeignProcess> Processes { get; init; }

    /// <summary>The devices' interrupts that reach a vCPU's CPU, by their numbers.</summary>
    public ValueList<DeviceInterrupt> Interrupts { get; init; }

    /// <summary>The VMs whose CPU limit has held them back since the look before.</summary>
    public ValueList<VmKey> Throttled { get; init; }

    /// <summary>
    /// The CPUs of VMs in an isolated cpuset partition, beside those of <see cref="NodeTopology.Isolated"/>.
    /// </summary>
    public CpuSet Isolated { get; init; } = CpuSet.Empty;
}

/// <summary>Threads of one process and with one mask that may run on a vCPU's CPU. Kernel threads aren't among them.</summary>
/// <param name="Pid">The process.</param>
/// <param name="Comm">Its name, printable.</param>
/// <param name="Cgroup">Its cgroup; null if that couldn't be read.</param>
/// <param name="Cpus">The CPUs they may run on.</param>
/// <param name="Threads">How many threads.</param>
internal sealed record ForeignProcess(
    int Pid,
    string Comm,
    CgroupLocation? Cgroup,
    CpuSet Cpus,
    int Threads
);

/// <summary>A device's interrupt that reaches a vCPU's CPU.</summary>
/// <param name="Number">The kernel's number.</param>
/// <param name="Name">The device's, or its driver's, name for it, printable.</param>
/// <param name="Routed">The CPUs of vCPUs to which it goes now; it has fired since boot, there or elsewhere.</param>
/// <param name="Fired">The CPUs of vCPUs on which it has fired since the look before.</param>
internal sealed record DeviceInterrupt(int Number, string Name, CpuSet Routed, CpuSet Fired);

/// <summary>A VM as the look around it needs it.</summary>
/// <param name="VcpuCpus">The CPUs that are its vCPUs' alone; none unless it has a placement.</param>
internal sealed record ScannedVm(ObservedVm Vm, CpuSet VcpuCpus);
