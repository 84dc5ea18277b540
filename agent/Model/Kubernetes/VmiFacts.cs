using PinAgent.Model.Vm;

namespace PinAgent.Model.Kubernetes;

/// <summary>A VirtualMachineInstance. Only these fields are kept: VMIs can hold secrets.</summary>
/// <param name="Namespace">The namespace; null if the object doesn't name one.</param>
internal sealed record VmiFacts(string? Namespace, string Name)
{
    /// <summary>The object's uid; null outside a cluster.</summary>
    public string? Uid { get; init; }

    /// <summary>What it asks for.</summary>
    public VmiSpec Spec { get; init; } = new();

    /// <summary><c>status.currentCPUTopology</c>; null if it isn't there, or isn't a topology.</summary>
    public GuestTopology? CurrentTopology { get; init; }

    /// <summary><c>status.nodeName</c>.</summary>
    public string? NodeName { get; init; }

    /// <summary><c>status.migrationState.sourceNode</c>.</summary>
    public string? MigrationSource { get; init; }

    /// <summary><c>status.migrationState.targetNode</c>.</summary>
    public string? MigrationTarget { get; init; }

    /// <summary>Annotation <c>pinagent.dev/mode</c>.</summary>
    public string? Mode { get; init; }

    /// <summary>Why nothing but the name is known of it; null if it could be read.</summary>
    public string? Problem { get; init; }
}
