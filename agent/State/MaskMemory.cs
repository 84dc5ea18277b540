using PinAgent.Apply;
using PinAgent.Model;

namespace PinAgent.State;

/// <summary>
/// Keeps the masks that threads had before the agent first changed them, for <c>pinagent release</c> to give back. A write
/// per change, and none where nothing changes.
/// </summary>
/// <param name="path">The file.</param>
public sealed class MaskMemory(string path)
{
    private const int Version = 1;

    private readonly StateFile<MasksFile> _file = new(path, StateJson.Default.MasksFile);

    /// <summary>What went wrong with the file; null if nothing did.</summary>
    public string? Problem { get; private set; }

    /// <summary>Keeps the masks of the threads that were changed for the first time, and forgets those that ended.</summary>
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
                masks.TryAdd(ThreadKey.Of(before), before.Affinity!);
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

    /// <summary>The masks, by thread.</summary>
    /// <exception cref="StateException">The file can't be read.</exception>
    public Dictionary<ThreadKey, CpuSet> Load()
    {
        var masks = new Dictionary<ThreadKey, CpuSet>();
        var file = _file.Read();
        foreach (var thread in file is { Version: Version } ? file.Threads ?? [] : [])
        {
            if (thread is not null && CpuSet.TryParse(thread.Mask ?? "", out var mask, out _))
            {
                masks[new ThreadKey(thread.Tid, thread.StartTime)] = mask;
            }
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

    private void Write(IEnumerable<KeyValuePair<ThreadKey, CpuSet>> masks) =>
        _file.Write(
            new MasksFile
            {
                Version = Version,
                Threads =
                [
                    .. masks
                        .OrderBy(mask => mask.Key.Tid)
                        .Select(mask => new MaskedThread
                        {
                            Tid = mask.Key.Tid,
                            StartTime = mask.Key.StartTime,
                            Mask = mask.Value.ToString(),
                        }),
                ],
            }
        );
}

internal sealed record MasksFile
{
    public int Version { get; init; }
    public MaskedThread?[]? Threads { get; init; }
}

internal sealed record MaskedThread
{
    public int Tid { get; init; }
    public ulong StartTime { get; init; }
    public string? Mask { get; init; }
}
