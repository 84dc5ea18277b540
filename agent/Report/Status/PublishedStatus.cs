namespace PinAgent.Report.Status;

/// <summary>A status that readers can have, with its JSON, which is written once for all of them.</summary>
/// <param name="json">The same as compact JSON in UTF-8, without a line break.</param>
/// <param name="tag">Its HTTP entity tag, with the quotes.</param>
internal sealed class PublishedStatus(NodeStatus status, ReadOnlyMemory<byte> json, string tag)
{
    /// <summary>The status.</summary>
    public NodeStatus Status => status;

    /// <summary>The same as compact JSON in UTF-8, without a line break.</summary>
    public ReadOnlyMemory<byte> Json => json;

    /// <summary>Its HTTP entity tag, with the quotes.</summary>
    public string Tag => tag;

    /// <summary>Completed when another status has taken its place.</summary>
    internal TaskCompletionSource Replaced { get; } = NewSource();

    // Whoever waits goes on in a thread of its own, not in the loop's.
    internal static TaskCompletionSource NewSource() =>
        new(TaskCreationOptions.RunContinuationsAsynchronously);
}
