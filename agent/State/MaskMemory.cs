using System.Text.Json.Serialization;
using PinAgent.Apply;
using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;

namespace PinAgent.State;

/// <summary>
/// Keeps the masks and priorities that threads had before the agent first changed them, for <c>pinagent release</c> to give
/// back. A write per change, and none where nothing changes.
/// </summary>
internal sealed class MaskMemory(string path)
{
    // Of sched_setscheduler(2).
    private const int HighestPriority = 99;

    private readonly StateFile<MasksFile> _file = new(
        path,
        StateJson.Default.MasksFile,
        version: 1
    );

    /// <summary>What went wrong with the file; null if nothing did.</summary>
    public string? Problem { get; private set; }

    /// <summary>Puts a file that can't be used out of the way.</summary>
    public void SetAsideIfUnusable() => Problem = _file.SetAsideIfUnusable();

    /// <summary>Keeps what the threads had that were changed for the first time, and forgets those that ended.</summary>
    /// <param name="outcomes">What a pass did to all VMs.</param>
    public void Keep(IReadOnlyCollection<VmOutcome> outcomes)
    {
        var threads = outcomes.SelectMany(vm => vm.Threads).ToList();
        if (!threads.Exists(thread => thread.IsChange))
        {
            return;
        }

        try
        {
            var masks = Load();
            foreach (var thread in threads.Where(thread => thread.IsChange))
            {
                var before = thread.Planned.Thread;
                var kept = masks.GetValueOrDefault(ThreadKey.Of(before));
                masks[ThreadKey.Of(before)] = new ThreadBefore(
                    kept.Mask ?? (thread.IsMaskChange ? before.Affinity : null),
                    kept.Scheduling ?? (thread.IsSchedulingChange ? before.Scheduling : null)
                );
            }

            var alive = threads.Select(thread => ThreadKey.Of(thread.Planned.Thread)).ToHashSet();
            Write(masks.Where(mask => alive.Contains(mask.Key)));
            Problem = null;
        }
        catch (StateException problem)
        {
            Problem = $"{problem.Message}: release will give a VM its cgroup's CPUs";
        }
    }

    /// <summary>What is kept, by thread.</summary>
    /// <exception cref="StateException">The file can't be read.</exception>
    public Dictionary<ThreadKey, ThreadBefore> Load()
    {
        var masks = new Dictionary<ThreadKey, ThreadBefore>();
        foreach (var thread in (_file.Read()?.Threads ?? []).OfType<MaskedThread>())
        {
            masks[new ThreadKey(thread.Tid, thread.StartTime)] = new ThreadBefore(
                CpuSet.TryParse(thread.Mask ?? "", out var mask, out _) ? mask : null,
                thread is { Policy: { } policy, Priority: >= 0 and <= HighestPriority }
                && Enum.IsDefined((SchedulingPolicy)policy)
                    ? new ThreadScheduling((SchedulingPolicy)policy, thread.Priority)
                    : null
            );
        }

        return masks;
    }

    /// <summary>Forgets threads that have been given back.</summary>
    /// <exception cref="StateException">The file can't be read or written.</exception>
    public void Forget(IEnumerable<ThreadKey> threads)
    {
        var masks = Load();
        foreach (var thread in threads)
        {
            masks.Remove(thread);
        }

        Write(masks);
    }

    private void Write(IEnumerable<KeyValuePair<ThreadKey, ThreadBefore>> masks) =>
        _file.Write(
            new MasksFile
            {
                Threads =
                [
                    .. masks
                        .OrderBy(mask => mask.Key.Tid)
                        .Select(mask => new MaskedThread
                        {
                            Tid = mask.Key.Tid,
                            StartTime = mask.Key.StartTime,
                            Mask = mask.Value.Mask?.ToString(),
                            Policy = (int?)mask.Value.Scheduling?.Policy,
                            Priority = mask.Value.Scheduling?.Priority ?? 0,
                        }),
                ],
            }
        );
}

/// <summary>What a thread had before the agent's first change.</summary>
/// <param name="Mask">The CPUs it might run on; null if the agent didn't change them, or that isn't known.</param>
/// <param name="Scheduling">How urgently it got a CPU; null likewise.</param>
internal readonly record struct ThreadBefore(CpuSet? Mask, ThreadScheduling? Scheduling);

internal sealed record MasksFile : VersionedFile
{
    public MaskedThread?[]? Threads { get; init; }
}

internal sealed record MaskedThread
{
    public int Tid { get; init; }
    public ulong StartTime { get; init; }
    public string? Mask { get; init; }

    // Written although it's 0: the usual policy isn't the same as none.
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Policy { get; init; }
    public int Priority { get; init; }
}
