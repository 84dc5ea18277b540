using System.Text.Json.Serialization;

namespace PinAgent.Model.Vm;

/// <summary>How a VM stands.</summary>
public enum VmState
{
    /// <summary>Every vCPU has a CPU that no other vCPU has, and the other threads are where they belong.</summary>
    Pinned,

    /// <summary>Some threads refused.</summary>
    PartlyPinned,

    /// <summary>The VM can't be placed on the CPUs it has.</summary>
    Refused,

    /// <summary>The VM didn't ask for dedicated CPUs.</summary>
    NotDedicated,

    /// <summary>The VM asked, but its CPUs aren't its alone.</summary>
    NotExclusive,

    /// <summary>Something has to happen first.</summary>
    Waiting,
}

/// <summary>Where the facts about a VM come from.</summary>
internal enum FactSource
{
    /// <summary>From the node alone: cgroup and command line.</summary>
    [JsonStringEnumMemberName("inferred")]
    Inferred,

    /// <summary>From the VMI, as the API server tells it.</summary>
    [JsonStringEnumMemberName("api")]
    Api,

    /// <summary>From the VMI, as the API server told it earlier.</summary>
    [JsonStringEnumMemberName("remembered")]
    Remembered,

    /// <summary>From a VMI in a file.</summary>
    [JsonStringEnumMemberName("file")]
    File,
}
