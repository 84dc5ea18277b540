using System.Collections.Immutable;
using PinAgent.Model.Kubernetes;

namespace PinAgent.Observe.Vmi;

/// <summary>One object of a file.</summary>
/// <param name="Number">Which document of the file it is in, from 1. The items of a list share their document's.</param>
/// <param name="Kind">Its kind; null if it doesn't say.</param>
/// <param name="Namespace">Its namespace; null if it doesn't name one.</param>
/// <param name="Name">Its name; null if it doesn't have one.</param>
internal sealed record VmiDocument(int Number, string? Kind, string? Namespace, string? Name)
{
    /// <summary>Whether it is of a kind that says nothing of VMs by itself.</summary>
    public bool IsSkipped { get; init; }

    /// <summary>Whether it stands for any number of VMIs, with names of their own.</summary>
    public bool IsMany { get; init; }

    /// <summary>What it says; null if it contradicts its schema, or is skipped.</summary>
    public VmiSpec? Vmi { get; init; }

    /// <summary>The instancetype that it names; null for none.</summary>
    public ObjectReference? InstancetypeName { get; init; }

    /// <summary>The preference that it names; null for none.</summary>
    public ObjectReference? PreferenceName { get; init; }

    /// <summary>What it says, where it is an instancetype.</summary>
    public Instancetype? Instancetype { get; init; }

    /// <summary>What it says, where it is a preference.</summary>
    public Preference? Preference { get; init; }

    /// <summary>What contradicts the schema, or is missing.</summary>
    public ImmutableArray<Cause> Causes { get; init; } = [];

    /// <summary>What the API server would drop without a word.</summary>
    public ImmutableArray<string> Warnings { get; init; } = [];
}
