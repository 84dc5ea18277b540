namespace PinAgent.Model.Vm;

/// <summary>Where a VM stands, and what stands in its way where something does.</summary>
/// <param name="Reason">Null where nothing does.</param>
/// <param name="Message">The sentence: what, where, expected, found, what to do.</param>
internal sealed record Standing(VmState State, Reason? Reason, string? Message)
{
    /// <summary>A QEMU process that isn't understood, or not yet.</summary>
    public static Standing Unclear(Reason reason, string message) =>
        new(
            reason == Vm.Reason.VcpusShareOneThread ? VmState.Refused : VmState.Waiting,
            reason,
            message
        );
}
