using System.Collections.Immutable;
using PinAgent.Model.Kubernetes;
using PinAgent.Model.Vm;

namespace PinAgent.Observe.Vmi;

/// <summary>One object of a file.</summary>
/// <param name="Number">Which document of the file it is in, from 1. The items of a list share their document's.</param>
/// <param name="Kind">Its kind; null if it doesn't say.</param>
/// <param name="Namespace">Its namespace; null if it doesn't name one.</param>
/// <param name="Name">Its name; null if it doesn't have one.</param>
internal sealed record VmiDocument(int Number, string? Kind, string? Namespace, string? Name)
{
    /// <summary>Whether it is of a kind that says nothing of VMs.</summary>
    public bool IsSkipped { get; init; }

    /// <summary>What it says; null if it contradicts its schema, or is skipped.</summary>
    public VmiSpec? Vmi { get; init; }

    /// <summary>What contradicts the schema, or is missing.</summary>
    public ImmutableArray<Cause> Causes { get; init; } = [];
}
