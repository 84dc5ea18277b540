using System.Collections.Immutable;
using System.Text.Json.Serialization;
using PinAgent.Model.Vm;
using PinAgent.Plan.Contests;

namespace PinAgent.State;

/// <summary>
/// Keeps which threads are left to another program, so that a restarted agent doesn't begin the contest anew. It's written
/// when the agent gives way or tries again, and at no other time.
/// </summary>
internal sealed class ContestMemory(string path)
{
    private readonly StateFile<ContestsFile> _file = new(
        path,
        StateJson.Default.ContestsFile,
        version: 1
    );
    private ImmutableArray<(VmKey, TimeSpan, ImmutableHashSet<ThreadKey>)> _written = [];

    /// <summary>What went wrong with the file; null if nothing did.</summary>
    public string? Problem { get; private set; }

    /// <summary>Puts a file that can't be used out of the way.</summary>
    public void SetAsideIfUnusable() => Problem = _file.SetAsideIfUnusable();

    /// <summary>Reads the file. One that isn't there, or can't be understood, holds nothing.</summary>
    public NodeContests Load()
    {
        try
        {
            var contests = NodeContests.Of(
                (_file.Read()?.Vms ?? [])
                    .OfType<ContestedVm>()
                    .Where(vm => vm.IsSound)
                    .DistinctBy(vm => vm.Key)
                    .Select(vm => KeyValuePair.Create(vm.Key, vm.ToContest()))
            );
            _written = Written(contests);
            return contests;
        }
        catch (StateException problem)
        {
            Problem = $"{problem.Message}: contests with other programs begin anew";
            return NodeContests.None;
        }
    }

    /// <summary>Writes the file, if it would be another than it is.</summary>
    public void Keep(NodeContests contests)
    {
        var written = Written(contests);
        if (written.SequenceEqual(_written))
        {
            return;
        }

        try
        {
            _file.Write(
                new ContestsFile
                {
                    Vms = [.. Kept(contests).Select(vm => ContestedVm.Of(vm.Key, vm.Value))],
                }
            );
            (_written, Problem) = (written, null);
        }
        catch (StateException problem)
        {
            Problem = $"{problem.Message}: a restarted agent begins contests anew";
        }
    }

    private static IEnumerable<KeyValuePair<VmKey, Contest>> Kept(NodeContests contests) =>
        contests.All.Where(vm => vm.Value.Pause > TimeSpan.Zero).OrderBy(vm => vm.Key.Pid);

    // A contest's set of threads is the same object until it becomes another.
    private static ImmutableArray<(VmKey, TimeSpan, ImmutableHashSet<ThreadKey>)> Written(
        NodeContests contests
    ) => [.. Kept(contests).Select(vm => (vm.Key, vm.Value.Until, vm.Value.LeftAlone))];
}

internal sealed record ContestsFile : VersionedFile
{
    public ContestedVm?[]? Vms { get; init; }
}

/// <summary>A VM in the file; the times are the machine's, since its boot.</summary>
internal sealed record ContestedVm
{
    private static readonly TimeSpan LongestUptime = TimeSpan.FromDays(36_500);

    public VmKey Key { get; init; }
    public double PauseSeconds { get; init; }
    public double UntilSeconds { get; init; }
    public ThreadKey[]? LeftAlone { get; init; }

    /// <summary>Whether the times are such as the agent writes; what makes no sense costs only itself.</summary>
    [JsonIgnore]
    public bool IsSound =>
        PauseSeconds >= 0
        && PauseSeconds <= Contest.LongestPause.TotalSeconds
        && UntilSeconds >= 0
        && UntilSeconds <= LongestUptime.TotalSeconds;

    public static ContestedVm Of(VmKey vm, Contest contest) =>
        new()
        {
            Key = vm,
            PauseSeconds = contest.Pause.TotalSeconds,
            UntilSeconds = contest.Until.TotalSeconds,
            LeftAlone = [.. contest.LeftAlone.OrderBy(thread => thread.Tid)],
        };

    public Contest ToContest()
    {
        var until = TimeSpan.FromSeconds(UntilSeconds);
        return new Contest
        {
            Pause = TimeSpan.FromSeconds(PauseSeconds),
            Until = until,
            LeftAlone = [.. LeftAlone ?? []],
            SeenAt = until,
        };
    }
}
