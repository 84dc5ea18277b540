using System.Text;
using PinAgent.Model.Changes;
using PinAgent.Model.Vm;
using PinAgent.Report.Changes;

namespace PinAgent.Report.Cluster;

/// <summary>What is worth an event in the cluster.</summary>
public enum VmEventKind
{
    /// <summary>The VM's threads were put where they belong, by the agent or by the VM's manager, as libvirt's vcpupin does.</summary>
    Pinned,

    /// <summary>Somebody had moved them, or the VM's CPUs, and they were put where they belong again.</summary>
    PinningDrifted,

    /// <summary>Another program's placement, as good as the agent's, is held from now on.</summary>
    PinningAdopted,

    /// <summary>The VM asks for dedicated CPUs, and can't be pinned as it is.</summary>
    PinningRefused,

    /// <summary>The kernel didn't let the agent pin it, a cgroup didn't, or another program undoes it again and again.</summary>
    PinningFailed,
}

/// <summary>Something that happened to a VM.</summary>
/// <param name="Cause">Why; null where the kind says all.</param>
/// <param name="Note">The sentence; at most <see cref="LongestNote"/> bytes.</param>
internal sealed record VmEvent(VmEventKind Kind, Reason? Cause, string Note)
{
    /// <summary>What the API takes (<c>k8s.io/kubernetes/pkg/apis/core/validation/events.go</c>).</summary>
    public const int LongestNote = 1024;

    /// <summary>Whether somebody should look.</summary>
    public bool IsWarning => Kind != VmEventKind.Pinned;

    /// <summary>
    /// The event that a change makes; null if none. A restarted agent that finds everything in order is silent, too.
    /// </summary>
    public static VmEvent? Of(VmChange change)
    {
        VmEventKind? kind = change switch
        {
            { Kind: VmChangeKind.Adopted, Cause: ChangeCause.Manager } => VmEventKind.Pinned,
            { Kind: VmChangeKind.Adopted } => VmEventKind.PinningAdopted,
            { Kind: VmChangeKind.Refused } => VmEventKind.PinningRefused,
            // A mask that was narrowed is set again at the next pass.
            {
                Kind: VmChangeKind.Contested or VmChangeKind.NotPinned,
                State: VmState.PartlyPinned,
                Reason: not Reason.Narrowed
            } => VmEventKind.PinningFailed,
            { Threads.IsEmpty: true } => null,
            { Kind: VmChangeKind.Begun or VmChangeKind.TakenUp, State: VmState.Pinned } =>
                VmEventKind.Pinned,
            { IsDrift: true } => VmEventKind.PinningDrifted,
            _ => null,
        };
        return kind switch
        {
            null => null,
            VmEventKind.PinningRefused or VmEventKind.PinningFailed => Create(
                kind.Value,
                change.Reason,
                $"{change.Reason}: {change.Message}"
            ),
            _ => Create(kind.Value, null, ChangeText.What(change)),
        };
    }

    private static VmEvent Create(VmEventKind kind, Reason? cause, string note) =>
        new(kind, cause, Shorten(note));

    private static string Shorten(string note)
    {
        const string End = "…";
        if (Encoding.UTF8.GetByteCount(note) <= LongestNote)
        {
            return note;
        }

        var length = note.Length;
        while (
            Encoding.UTF8.GetByteCount(note.AsSpan(0, length))
                > LongestNote - Encoding.UTF8.GetByteCount(End)
            || char.IsHighSurrogate(note[length - 1])
        )
        {
            length--;
        }

        return note[..length] + End;
    }
}
