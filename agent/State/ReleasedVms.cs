using System.Collections.Immutable;
using System.Text;
using PinAgent.Observe.Files;

namespace PinAgent.State;

/// <summary>
/// Which VMs an administrator has taken from the agent with <c>pinagent release</c>: a file that this command writes and
/// the agent reads before every pass.
/// </summary>
/// <param name="path">The file.</param>
internal sealed class ReleasedVms(string path)
{
    private readonly StateFile<ReleasedFile> _file = new(
        path,
        StateJson.Default.ReleasedFile,
        version: 1
    );
    private readonly WatchedFile _watched = new(path);
    private ImmutableHashSet<string> _names = [];

    /// <summary>What is wrong with the file; null if nothing is.</summary>
    public string? Problem { get; private set; }

    /// <summary>The names, <c>namespace/name</c>, as the file has them now. One that can't be understood changes nothing.</summary>
    public ImmutableHashSet<string> Look()
    {
        if (_watched.HasChanged())
        {
            try
            {
                _names = NamesIn(
                    _watched.Text is { } text ? _file.Parse(Encoding.UTF8.GetBytes(text)) : null
                );
                Problem = null;
            }
            catch (StateException problem)
            {
                Problem = $"{problem.Message}: which VMs are released stays as it was";
            }
        }

        return _names;
    }

    /// <summary>Adds and removes names.</summary>
    /// <exception cref="StateException">The file can't be read or written.</exception>
    public void Change(IEnumerable<string> add, IEnumerable<string> remove)
    {
        var names = NamesIn(_file.Read()).Except(remove).Union(add);
        _file.Write(new ReleasedFile { Vms = [.. names.Order(StringComparer.Ordinal)] });
    }

    private static ImmutableHashSet<string> NamesIn(ReleasedFile? file) =>
        [.. (file?.Vms ?? []).OfType<string>()];
}

internal sealed record ReleasedFile : VersionedFile
{
    public string?[]? Vms { get; init; }
}
