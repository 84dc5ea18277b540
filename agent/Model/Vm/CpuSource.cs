using System.Text.Json.Serialization;

namespace PinAgent.Model.Vm;

/// <summary>Whose word it is which CPUs are a VM's.</summary>
public enum CpuSource
{
    /// <summary>Nobody's: they are all CPUs that its cgroup may use, and others use them too.</summary>
    [JsonStringEnumMemberName("inherited")]
    Inherited,

    /// <summary>The cpuset of its cgroup, or of one above it.</summary>
    [JsonStringEnumMemberName("cgroup")]
    Cgroup,

    /// <summary>The cpusets of its threads' own cgroups, as libvirt writes them below the VM's.</summary>
    [JsonStringEnumMemberName("threadCgroups")]
    ThreadCgroups,

    /// <summary>The mask that its first thread had when the agent first saw it, as <c>taskset</c> at QEMU's start gives it.</summary>
    [JsonStringEnumMemberName("initialMask")]
    InitialMask,

    /// <summary>The administrator's, with <c>--vm NAME=CPUS</c>.</summary>
    [JsonStringEnumMemberName("administrator")]
    Administrator,

    /// <summary>The agent's, which has chosen them among those that no other VM has.</summary>
    [JsonStringEnumMemberName("chosen")]
    Chosen,
}
