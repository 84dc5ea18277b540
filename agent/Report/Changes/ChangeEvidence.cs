using System.Collections.Immutable;
using PinAgent.Apply;
using PinAgent.Model.Changes;
using PinAgent.Model.Vm;

namespace PinAgent.Report.Changes;

/// <summary>What was heard between two passes that tells why threads aren't where they were.</summary>
/// <param name="CpusetsWritten">Whether a VM's cpuset was written; null where nobody listens.</param>
/// <param name="OnlineChanged">Whether CPUs of the node went offline or came back.</param>
internal readonly record struct ChangeEvidence(bool? CpusetsWritten, bool OnlineChanged)
{
    /// <summary>Why these threads of a VM with the same CPUs as before had strayed.</summary>
    /// <param name="strayed">The threads as they were found, of those that were known.</param>
    /// <param name="known">The same as they had been left.</param>
    /// <param name="outcome">What was done.</param>
    public ChangeCause Of(
        IReadOnlyList<VmThread> strayed,
        ImmutableDictionary<ThreadKey, VmThread> known,
        VmOutcome outcome
    )
    {
        if (!outcome.Threads.Any(thread => thread.IsMaskChange))
        {
            return ChangeCause.PrioritiesSet;
        }

        if (strayed.Any(thread => !Equals(thread.OwnCpuset, known[ThreadKey.Of(thread)].OwnCpuset)))
        {
            return ChangeCause.ThreadsMoved;
        }

        var haveAllCpus = strayed.All(thread =>
            Equals(thread.Affinity, thread.OwnCpuset ?? outcome.Plan.Vm.Cpuset)
        );
        return !haveAllCpus ? ChangeCause.MasksSet
            : OnlineChanged ? ChangeCause.OnlineCpusChanged
            : CpusetsWritten switch
            {
                true => ChangeCause.MasksReset,
                false => ChangeCause.MasksSet,
                // A write would have reset the others too.
                null when strayed.Count < known.Count => ChangeCause.MasksSet,
                null => ChangeCause.Unknown,
            };
    }
}
