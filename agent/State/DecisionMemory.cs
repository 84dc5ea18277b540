using PinAgent.Plan.Dedication;

namespace PinAgent.State;

/// <summary>
/// Keeps decisions in a file, so that an agent that starts while the API server is away goes on with what was ours.
/// It's written in one step, and only when something has changed.
/// </summary>
internal sealed class DecisionMemory(string path)
{
    private readonly StateFile<RememberedFile> _file = new(
        path,
        StateJson.Default.RememberedFile,
        version: 1
    );
    private RememberedVm[] _written = [];

    /// <summary>What went wrong with the file; null if nothing did.</summary>
    public string? Problem { get; private set; }

    /// <summary>Puts a file that can't be used out of the way.</summary>
    public void SetAsideIfUnusable() => Problem = _file.SetAsideIfUnusable();

    /// <summary>Reads the file. One that isn't there, or can't be understood, holds nothing.</summary>
    public Decisions Load()
    {
        try
        {
            _written = [.. (_file.Read()?.Vms ?? []).OfType<RememberedVm>()];
            return Decisions.Of(
                _written
                    .Where(vm => vm.IsSound)
                    .DistinctBy(vm => vm.Container)
                    .ToDictionary(vm => vm.Container, vm => vm.ToDecision())
            );
        }
        catch (StateException problem)
        {
            Problem = $"{problem.Message}: nothing is remembered";
            return Decisions.None;
        }
    }

    /// <summary>Writes the file, if it would be another than it is.</summary>
    public void Keep(Decisions decisions)
    {
        var vms = decisions
            .All.Where(vm => vm.Value.Dedicated is not null)
            .OrderBy(vm => vm.Key.PodUid, StringComparer.Ordinal)
            .ThenBy(vm => vm.Key.ContainerId, StringComparer.Ordinal)
            .Select(vm => RememberedVm.Of(vm.Key, vm.Value))
            .ToArray();
        if (vms.SequenceEqual(_written))
        {
            return;
        }

        try
        {
            _file.Write(new RememberedFile { Vms = vms });
            (_written, Problem) = (vms, null);
        }
        catch (StateException problem)
        {
            Problem = $"{problem.Message}: a restarted agent won't remember";
        }
    }
}
