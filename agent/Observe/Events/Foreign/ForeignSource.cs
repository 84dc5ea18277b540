using PinAgent.Model.Node;
using PinAgent.NativeInterop.Bpf;

namespace PinAgent.Observe.Events.Foreign;

/// <summary>What the kernel tells of others' changes.</summary>
/// <param name="Masks">How changes of masks, policies and priorities are seen.</param>
/// <param name="Names">Whether names are told.</param>
/// <param name="Moves">Whether moves between cgroups are told.</param>
/// <param name="Message">What isn't told, and why; null if all is.</param>
internal sealed record ForeignSource(MaskHook Masks, bool Names, bool Moves, string? Message)
{
    /// <summary>What wasn't told of, since the begin.</summary>
    public ThreadChangeLosses Losses { get; init; }

    /// <summary>The same as it's shown.</summary>
    public MaskSource AsShown() =>
        new(
            Masks switch
            {
                MaskHook.Probe => MaskSourceState.Probes,
                MaskHook.Syscalls => MaskSourceState.Syscalls,
                _ => MaskSourceState.Looking,
            },
            Message
        );

    /// <summary>Nothing is told.</summary>
    public static ForeignSource None(string why) => new(MaskHook.None, false, false, why);
}
