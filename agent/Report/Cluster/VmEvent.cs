using System.Text;
using PinAgent.Model.Vm;
using PinAgent.Report.Status;

namespace PinAgent.Report.Cluster;

/// <summary>What is worth an event in the cluster.</summary>
public enum VmEventKind
{
    /// <summary>The VM's threads were put where they belong.</summary>
    Pinned,

    /// <summary>Somebody had moved them, or the VM's CPUs, and they were put where they belong again.</summary>
    PinningDrifted,

    /// <summary>Another program's placement, as good as the agent's, is held from now on.</summary>
    PinningAdopted,

    /// <summary>The VM asks for dedicated CPUs, and can't be pinned as it is.</summary>
    PinningRefused,

    /// <summary>The kernel didn't let the agent pin it, or a cgroup didn't.</summary>
    PinningFailed,
}

/// <summary>Something that happened to a VM.</summary>
/// <param name="Kind">What.</param>
/// <param name="Cause">Why; null where the kind says all.</param>
/// <param name="Note">The sentence; at most <see cref="LongestNote"/> bytes.</param>
internal sealed record VmEvent(VmEventKind Kind, Reason? Cause, string Note)
{
    /// <summary>What the API takes (<c>k8s.io/kubernetes/pkg/apis/core/validation/events.go</c>).</summary>
    public const int LongestNote = 1024;

    /// <summary>Whether somebody should look.</summary>
    public bool IsWarning => Kind != VmEventKind.Pinned;

    /// <summary>
    /// The events of a pass, for one VM. What stands as it stood makes none; a restarted agent that finds everything in
    /// order is silent, too.
    /// </summary>
    /// <param name="vm">What the pass did.</param>
    /// <param name="before">How the VM stood after the pass before; null if it's new.</param>
    public static IEnumerable<VmEvent> Of(VmPassResult vm, VmStatus? before)
    {
        var status = vm.Status;
        var changes = vm.Outcome.DescribeChanges();
        if (
            changes.Length > 0
            && before is { State: VmState.Pinned, Cpuset: { } cpuset }
            && cpuset != status.Cpuset
        )
        {
            yield return Create(
                VmEventKind.PinningDrifted,
                null,
                $"its CPUs changed from {cpuset} to {status.Cpuset}: put there {changes}"
            );
        }
        else if (changes.Length > 0 && vm.WasHeld)
        {
            // A new thread that is put in its place is neither drift nor a beginning of the VM's.
            if (vm.IsRepair)
            {
                yield return Create(VmEventKind.PinningDrifted, null, $"put back {changes}");
            }
        }
        else if (changes.Length > 0 && status.State == VmState.Pinned)
        {
            yield return Create(
                VmEventKind.Pinned,
                null,
                $"pinned within CPUs {status.Cpuset}: {changes}"
            );
        }

        if (vm.Outcome.Plan.Adopted is { } adopted)
        {
            yield return Create(VmEventKind.PinningAdopted, null, adopted);
        }

        if ((status.State, status.Reason) == (before?.State, before?.Reason))
        {
            yield break;
        }

        VmEventKind? kind = status switch
        {
            { State: VmState.Refused or VmState.NotExclusive } => VmEventKind.PinningRefused,
            // A mask that was narrowed is set again at the next pass.
            { State: VmState.PartlyPinned, Reason: not Reason.Narrowed } =>
                VmEventKind.PinningFailed,
            _ => null,
        };
        if (kind is { } troubled)
        {
            yield return Create(troubled, status.Reason, $"{status.Reason}: {status.Message}");
        }
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
