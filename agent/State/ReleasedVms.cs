using System.Collections.Immutable;
using System.Text.Json;
using PinAgent.Observe;

namespace PinAgent.State;

/// <summary>
/// Which VMs an administrator has taken from the agent with <c>pinagent release</c>: a file that this command writes and
/// the agent reads before every pass.
/// </summary>
/// <param name="path">The file.</param>
public sealed class ReleasedVms(string path)
{
    private const int Version = 1;

    private readonly StateFile<ReleasedFile> _file = new(path, StateJson.Default.ReleasedFile);
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
                _names = NamesIn(_watched.Text);
                Problem = null;
            }
            catch (Exception problem) when (problem is JsonException or StateException)
            {
                Problem = $"{path}: {problem.Message}: which VMs are released stays as it was";
            }
        }

        return _names;
    }

    /// <summary>Adds and removes names.</summary>
    /// <exception cref="StateException">The file can't be read or written.</exception>
    public void Change(IEnumerable<string> add, IEnumerable<string> remove)
    {
        var names = Names(_file.Read()).Except(remove).Union(add);
        _file.Write(
            new ReleasedFile { Version = Version, Vms = [.. names.Order(StringComparer.Ordinal)] }
        );
    }

    private static ImmutableHashSet<string> NamesIn(string? text) =>
        text is null
            ? []
            : Names(
                JsonSerializer.Deserialize(text, StateJson.Default.ReleasedFile)
                    ?? throw new StateException("expected an object, found null")
            );

    private static ImmutableHashSet<string> Names(ReleasedFile? file) =>
        file switch
        {
            null => [],
            { Version: Version } => [.. (file.Vms ?? []).OfType<string>()],
            _ => throw new StateException(
                $"expected version {Version} of the file of released VMs, found {file.Version}"
            ),
        };
}

internal sealed record ReleasedFile
{
    public int Version { get; init; }
    public string?[]? Vms { get; init; }
}
