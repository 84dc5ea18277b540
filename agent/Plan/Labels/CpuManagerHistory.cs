using PinAgent.Model.Node;

namespace PinAgent.Plan.Labels;

/// <summary>
/// From observations to an answer that holds. A kubelet whose checkpoint was deleted writes it again some seconds after
/// its start (5 s, measured), and a label that says "no" for so long moves VMs. Pure.
/// </summary>
/// <param name="IsRunning">The answer; null before the first.</param>
/// <param name="AbsentSince">When the checkpoint was first missed; null unless it's absent.</param>
internal sealed record CpuManagerHistory(bool? IsRunning, TimeSpan? AbsentSince)
{
    /// <summary>How long a checkpoint must be absent to mean that the CPU manager doesn't run.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Before the first observation.</summary>
    public static CpuManagerHistory None { get; } = new(null, null);

    /// <summary>The history with one more observation.</summary>
    /// <param name="now">When, on a clock that never jumps.</param>
    public CpuManagerHistory With(CpuManagerObservation observation, TimeSpan now) =>
        observation switch
        {
            { State: CpuManagerState.Static } => new(true, null),
            { State: CpuManagerState.None, Checkpoint: not null } => new(false, null),
            { State: CpuManagerState.None } => WithAbsence(AbsentSince ?? now, now),
            // Unreadable, half-written: the last answer holds. As it does where a DRA driver gives out the CPUs: whether
            // VMs that want the labels' nodes may go there is the administrator's to say.
            _ => this with { AbsentSince = null },
        };

    private CpuManagerHistory WithAbsence(TimeSpan since, TimeSpan now) =>
        new(now - since >= Patience ? false : IsRunning, since);
}
