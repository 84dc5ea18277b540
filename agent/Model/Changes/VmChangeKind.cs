namespace PinAgent.Model.Changes;

/// <summary>What happened.</summary>
public enum VmChangeKind
{
    /// <summary>The VM is pinned from now on, or was found so.</summary>
    Begun,

    /// <summary>Threads that hadn't been there were put where they belong.</summary>
    ThreadsPlaced,

    /// <summary>Threads that had strayed were put back.</summary>
    Repaired,

    /// <summary>The VM's CPUs are others, and its threads were moved with them.</summary>
    Moved,

    /// <summary>The VM's CPUs have become too few for an emulator's CPU of its own.</summary>
    IsolationLost,

    /// <summary>Another program's placement, as good as ours, is held from now on.</summary>
    Adopted,

    /// <summary>Another program undoes the pins each time: its threads are left alone for a while.</summary>
    Contested,

    /// <summary>The administrator has taken the VM back: it's only reported on.</summary>
    Released,

    /// <summary>The administrator has given the VM over again.</summary>
    TakenUp,

    /// <summary>The VM asks for dedicated CPUs, and those that it has allow no placement.</summary>
    Refused,

    /// <summary>The VM isn't pinned, or not wholly, for another reason.</summary>
    NotPinned,

    /// <summary>Somebody began to disturb the VM, or to be able to.</summary>
    ViolationBegun,

    /// <summary>And doesn't any more.</summary>
    ViolationEnded,

    /// <summary>A vCPU waits for its CPU, for longer than a VM has to.</summary>
    WaitBegun,

    /// <summary>It still does, and somebody else is in its way.</summary>
    WaitGoesOn,

    /// <summary>And doesn't any more.</summary>
    WaitEnded,

    /// <summary>The VM ended.</summary>
    Ended,

    /// <summary>More VMs came and went than are told of one by one.</summary>
    Crowd,

    /// <summary>The agent started.</summary>
    AgentStarted,

    /// <summary>The agent stopped; every pin stayed.</summary>
    AgentStopped,
}

/// <summary>Why something happened, as far as there is evidence.</summary>
public enum ChangeCause
{
    /// <summary>The agent met the VM for the first time.</summary>
    Met,

    /// <summary>What kept the VM from being pinned is gone: a state, or the audit mode.</summary>
    ObstacleGone,

    /// <summary>The VM's cpuset is another than before.</summary>
    CpusetChanged,

    /// <summary>CPUs of the node went offline or came back.</summary>
    OnlineCpusChanged,

    /// <summary>Threads were moved to another cgroup.</summary>
    ThreadsMoved,

    /// <summary>A cpuset was written, and the kernel gave the threads in it all its CPUs, as it did before Linux 6.2.</summary>
    MasksReset,

    /// <summary>Somebody set the threads' masks: they aren't those that a write to a cpuset leaves, or none was written.</summary>
    MasksSet,

    /// <summary>Threads had lost their real-time priority.</summary>
    PrioritiesSet,

    /// <summary>Threads came into being with the CPUs of those that made them.</summary>
    NewThreads,

    /// <summary>Another program sets masks, too.</summary>
    AnotherProgram,

    /// <summary>Whoever started the VM placed its threads as it began.</summary>
    Manager,

    /// <summary>The administrator said so: <c>pinagent release</c>.</summary>
    Administrator,

    /// <summary>The VM's state became another, and no mask was changed.</summary>
    StateChanged,

    /// <summary>What is around the VM: other processes, devices, other VMs.</summary>
    Neighbours,

    /// <summary>The process ended.</summary>
    ProcessEnded,

    /// <summary>The agent was started or stopped.</summary>
    Agent,

    /// <summary>There is no evidence for any of these.</summary>
    Unknown,
}
