using System.Collections.Immutable;
using PinAgent.Model.Kubernetes;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Plan.Rivals;

namespace PinAgent.Plan.Dedication;

/// <summary>Whether a VM is ours to pin, and how that is known.</summary>
internal sealed record DedicationVerdict(ObservedVm Vm, string Namespace, string Name)
{
    /// <summary>The VM's VMI, where there is one.</summary>
    public VmiFacts? Vmi { get; init; }

    /// <summary>Which CPUs are its, and whose word that is; null if that couldn't be read.</summary>
    public VmCpus? Cpus { get; init; }

    /// <summary>Where the facts come from.</summary>
    public FactSource Source { get; init; } = FactSource.Inferred;

    /// <summary>Whether the VM is to have dedicated CPUs: it asks for them, or on a plain host the administrator does, or gave it CPUs.</summary>
    public bool Dedicated { get; init; }

    /// <summary>Why it isn't to be pinned; null if nothing is known to be in the way.</summary>
    public Standing? Obstacle { get; init; }

    /// <summary>What an administrator should know.</summary>
    public ImmutableArray<string> Advisories { get; init; } = [];

    /// <summary>Which of its CPUs are another's too; null if none are.</summary>
    public Overlap? Overlap { get; init; }

    /// <summary>Who tells which exclusive CPUs of it; null if they agree.</summary>
    public string? Disagreement { get; init; }

    /// <summary>How far an annotation or a release lowers the agent's mode for this VM.</summary>
    public ModeLimit Limit { get; init; }

    /// <summary>Whether it was given back with <c>pinagent release</c>.</summary>
    public bool IsReleased { get; init; }

    /// <summary>What lowers the mode; null if nothing does.</summary>
    public string? LimitMessage { get; init; }

    /// <summary>What is to be kept of it for this container; null outside a cluster.</summary>
    public Decision? Decision { get; init; }
}
