using System.Text.Json;
using PinAgent.Plan;

namespace PinAgent;

/// <summary>
/// Keeps decisions in a file, so that an agent that starts while the API server is away goes on with what was ours.
/// It's written in one step, and only when something has changed.
/// </summary>
/// <param name="path">The file.</param>
public sealed class DecisionMemory(string path)
{
    /// <summary>The version of the file's format. A newer agent's file isn't understood.</summary>
    public const int Version = 1;

    private const int LargestFile = 16 * 1024 * 1024;

    private byte[] _written = [];

    /// <summary>What went wrong with the file; null if nothing did.</summary>
    public string? Problem { get; private set; }

    /// <summary>Reads the file. One that isn't there, or can't be understood, holds nothing.</summary>
    public Decisions Load()
    {
        try
        {
            if (!File.Exists(path))
            {
                return Decisions.None;
            }

            if (new FileInfo(path).Length > LargestFile)
            {
                Problem =
                    $"{path}: expected at most {LargestFile / 1024 / 1024} MiB, found more: nothing is remembered";
                return Decisions.None;
            }

            var content = File.ReadAllBytes(path);
            var file = JsonSerializer.Deserialize(content, MemoryJson.Default.RememberedFile);
            if (file is not { Version: Version })
            {
                Problem =
                    $"{path}: expected version {Version}, found {file?.Version}: nothing is remembered";
                return Decisions.None;
            }

            _written = content;
            return Decisions.Of(
                (file.Vms ?? [])
                    .OfType<RememberedVm>()
                    .DistinctBy(vm => vm.Container)
                    .Where(vm => vm is { PodUid.Length: > 0, ContainerId: not null })
                    .ToDictionary(vm => vm.Container, vm => vm.ToDecision())
            );
        }
        catch (JsonException problem)
        {
            Problem =
                $"{path}: isn't a whole file of this agent's ({problem.Message}): nothing is remembered";
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            Problem = $"{path}: can't be read: {problem.Message}: nothing is remembered";
        }

        return Decisions.None;
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
        if (vms.Length == 0 && _written.Length == 0)
        {
            return;
        }

        var content = JsonSerializer.SerializeToUtf8Bytes(
            new RememberedFile { Version = Version, Vms = vms },
            MemoryJson.Default.RememberedFile
        );
        if (content.AsSpan().SequenceEqual(_written))
        {
            return;
        }

        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            var temporary = path + ".new";
            File.WriteAllBytes(temporary, content);
            File.Move(temporary, path, overwrite: true);
            (_written, Problem) = (content, null);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            Problem =
                $"{path}: can't be written, so a restarted agent won't remember: {problem.Message}";
        }
    }
}
