using PinAgent.Model.Cpu;

namespace PinAgent.Model.Vm;

/// <summary>The CPUs that are a VM's, and whose word that is.</summary>
/// <param name="Cpus">The CPUs of its vCPUs, and of its emulator where that has no others.</param>
internal sealed record VmCpus(CpuSet Cpus, CpuSource Source)
{
    /// <summary>
    /// CPUs of the emulator beside those, or among them and its alone; empty where it has none of its own. What isn't among
    /// <see cref="Cpus"/> may be others' too.
    /// </summary>
    public CpuSet Emulator { get; init; } = CpuSet.Empty;

    /// <summary>Whether each thread has to stay within its own cgroup's CPUs, which may be others than these.</summary>
    public bool IsByThread { get; init; }

    /// <summary>Whether somebody meant them for the VM.</summary>
    public bool IsGiven => Source != CpuSource.Inherited;

    /// <summary>
    /// Whether only the VM itself, or its user, says so: a process may set its own mask, and call itself anything, and a user may
    /// write the cpusets of cgroups that are left to him.
    /// </summary>
    public bool IsOwnWord { get; init; }

    /// <summary>All of them.</summary>
    public CpuSet All => Cpus.Union(Emulator);
}
