using System.Collections.Immutable;
using PinAgent.Apply;
using PinAgent.Model.Changes;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Observe.Events.Foreign;

namespace PinAgent.Report.Changes;

/// <summary>What was heard between two passes that tells why threads aren't where they were.</summary>
/// <param name="CpusetsWritten">The cgroups whose cpusets were written; null where nobody listens.</param>
/// <param name="OnlineChanged">Whether CPUs of the node went offline or came back.</param>
internal sealed record ChangeEvidence(ImmutableHashSet<string>? CpusetsWritten, bool OnlineChanged)
{
    /// <summary>Who has changed threads, as far as the kernel has told.</summary>
    public IReadOnlyDictionary<int, ForeignDeed> Deeds { get; init; } =
        ImmutableDictionary<int, ForeignDeed>.Empty;

    /// <summary>Who has moved these threads, and how long they were off; null if that isn't known of every one.</summary>
    public (string By, string Program, TimeSpan Off)? AuthorOf(
        ImmutableArray<ChangedThread> threads,
        VmOutcome outcome
    )
    {
        const int MostNamed = 3;
        var deeds = new List<ForeignDeed>();
        foreach (var thread in threads)
        {
            if (
                !Deeds.TryGetValue(thread.Tid, out var deed)
                || !outcome.Threads.Any(found =>
                    found.Planned.Thread.Tid == thread.Tid && deed.Explains(found.Planned.Thread)
                )
            )
            {
                return null;
            }

            deeds.Add(deed);
        }

        if (deeds.Count == 0)
        {
            return null;
        }

        var authors = deeds.Select(deed => deed.By).Distinct().ToList();
        var named = string.Join(", ", authors.Take(MostNamed));
        return (
            authors.Count > MostNamed ? $"{named} and {authors.Count - MostNamed} more" : named,
            authors[0].Comm,
            deeds.Max(deed => deed.Off)
        );
    }

    /// <summary>Why these threads of a VM with the same CPUs as before had strayed.</summary>
    /// <param name="strayed">The threads as they were found, of those that were known.</param>
    /// <param name="known">The same as they had been left.</param>
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
        var deeds = Deeds;
        return !haveAllCpus
            || strayed.All(thread =>
                deeds.TryGetValue(thread.Tid, out var deed) && deed.Explains(thread)
            )
                ? ChangeCause.MasksSet
            : OnlineChanged ? ChangeCause.OnlineCpusChanged
            : IsWritten(outcome.Plan.Vm.Cgroup) switch
            {
                true => ChangeCause.MasksReset,
                false => ChangeCause.MasksSet,
                // A write would have reset the others too.
                null when strayed.Count < known.Count => ChangeCause.MasksSet,
                null => ChangeCause.Unknown,
            };
    }

    // Its threads' own cgroups are below the VM's.
    private bool? IsWritten(CgroupLocation? cgroup) =>
        cgroup is null
            ? null
            : CpusetsWritten?.Any(written =>
                written == cgroup.Path
                || written.StartsWith($"{cgroup.Path}/", StringComparison.Ordinal)
            );
}
