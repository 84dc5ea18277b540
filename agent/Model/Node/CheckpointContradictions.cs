using System.Collections.Immutable;
using PinAgent.Model.Cpu;
using PinAgent.Model.Text;

namespace PinAgent.Model.Node;

/// <summary>CPUs of which a checkpoint says two things that can't both be true.</summary>
/// <param name="Cpus">The CPUs.</param>
/// <param name="Owners">Whose they are, the shared pool's among them.</param>
internal sealed record CheckpointContradiction(CpuSet Cpus, string Owners)
{
    /// <summary>What it says, in a sentence without a subject.</summary>
    public string Message => $"CPUs {Cpus} belong to {Owners}";
}

/// <summary>
/// What a checkpoint contradicts itself in: a CPU that is shared and exclusive, or exclusively two pods'. The kubelet
/// writes no such file and doesn't start with one; until it restarts, somebody runs on somebody else's CPUs. Pure.
/// </summary>
/// <remarks>Source: Kubernetes, <c>pkg/kubelet/cm/cpumanager/policy_static.go</c> (<c>validateState</c>).</remarks>
internal static class CheckpointContradictions
{
    private const int MostOwners = 3;
    private const string Pool = "the shared pool";

    /// <summary>All of them, by CPU.</summary>
    /// <param name="checkpoint">The checkpoint; null where there is none.</param>
    public static ImmutableArray<CheckpointContradiction> Of(CpuManagerCheckpoint? checkpoint)
    {
        if (checkpoint is not { IsStatic: true })
        {
            return [];
        }

        // Within a pod CPUs may be passed on: from an init container to the others, from the pod to its containers.
        var owners = new SortedDictionary<int, List<string>>();
        var pods = checkpoint
            .Entries.GroupBy(entry => entry.PodUid ?? $"/{entry.Container}")
            .Select(pod =>
                (Name: NameOf([.. pod]), Cpus: CpuSet.Of(pod.SelectMany(entry => entry.Cpus)))
            )
            .Prepend((Pool, checkpoint.SharedPool));
        foreach (var (name, cpus) in pods)
        {
            foreach (var cpu in cpus)
            {
                if (!owners.TryGetValue(cpu, out var names))
                {
                    owners[cpu] = names = [];
                }

                names.Add(name);
            }
        }

        return
        [
            .. owners
                .Where(cpu => cpu.Value.Count > 1)
                .GroupBy(cpu => Describe(cpu.Value), cpu => cpu.Key)
                .Select(cpus => new CheckpointContradiction(CpuSet.Of(cpus), cpus.Key)),
        ];
    }

    private static string NameOf(ImmutableArray<ExclusiveCpus> entries) =>
        entries switch
        {
            [{ PodUid: null, Container: var id }] => $"container {Words.Printable(id ?? "")}",
            [{ PodUid: { } uid, Container: { } name }] =>
                $"pod {Words.Printable(uid)}'s {Words.Printable(name)}",
            [{ PodUid: var uid }, ..] => $"pod {Words.Printable(uid ?? "")}",
            _ => "",
        };

    private static string Describe(List<string> owners) =>
        owners.Count <= MostOwners
            ? $"{string.Join(", ", owners.SkipLast(1))} and {owners[^1]} at once"
            : $"{string.Join(", ", owners.Take(MostOwners))} and {owners.Count - MostOwners} more at once";
}
