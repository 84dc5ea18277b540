using System.Collections.Immutable;

namespace PinAgent.State;

/// <summary>What the agent keeps in its state folder, across its own restart.</summary>
internal sealed class AgentState
{
    /// <summary>Names the files; nothing is read yet.</summary>
    /// <param name="isInCluster">Whether an API server tells which VMs are dedicated, so that its word is to be kept.</param>
    public AgentState(string folder, bool isInCluster)
    {
        Decisions = isInCluster
            ? new DecisionMemory(Path.Combine(folder, "remembered.json"))
            : null;
        Cpus = isInCluster ? null : new CpuMemory(Path.Combine(folder, "cpus.json"));
        Masks = new MaskMemory(Path.Combine(folder, "masks.json"));
        Contests = new ContestMemory(Path.Combine(folder, "contests.json"));
        History = new HistoryFile(Path.Combine(folder, "changes.jsonl"));
        Released = new ReleasedVms(Path.Combine(folder, "released.json"));
    }

    /// <summary>What was decided; null outside a cluster.</summary>
    public DecisionMemory? Decisions { get; }

    /// <summary>Which CPUs VMs were given, or chosen for them; null in a cluster, where the kubelet gives them.</summary>
    public CpuMemory? Cpus { get; }

    /// <summary>The masks before the agent's first change.</summary>
    public MaskMemory Masks { get; }

    /// <summary>The contests with other programs.</summary>
    public ContestMemory Contests { get; }

    /// <summary>What happened to the VMs.</summary>
    public HistoryFile History { get; }

    /// <summary>The VMs that an administrator has taken from the agent.</summary>
    public ReleasedVms Released { get; }

    /// <summary>
    /// Puts the files that can't be used out of the way, so that they don't hinder this agent and the next ones. For an
    /// agent that starts.
    /// </summary>
    public void SetAsideUnusable()
    {
        Decisions?.SetAsideIfUnusable();
        Cpus?.SetAsideIfUnusable();
        Masks.SetAsideIfUnusable();
        Contests.SetAsideIfUnusable();
        Released.SetAsideIfUnusable();
    }

    /// <summary>What is wrong with the files.</summary>
    public ImmutableArray<string> Problems =>
        [
            .. new[]
            {
                Decisions?.Problem,
                Cpus?.Problem,
                Masks.Problem,
                Contests.Problem,
                Released.Problem,
                History.Problem,
            }.OfType<string>(),
        ];
}
