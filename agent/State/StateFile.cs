using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace PinAgent.State;

/// <summary>
/// A small JSON file in the agent's state folder. It's replaced in one step, so that a reader, or an agent that was
/// killed, never meets half of it.
/// </summary>
/// <typeparam name="T">What the file holds.</typeparam>
/// <param name="path">The file.</param>
/// <param name="type">How it's written.</param>
/// <param name="version">The version of the format. A newer agent's file isn't understood.</param>
internal sealed class StateFile<T>(string path, JsonTypeInfo<T> type, int version)
    where T : VersionedFile
{
    private const int LargestFile = 16 * 1024 * 1024;

    /// <summary>Reads the file; null if there is none.</summary>
    /// <exception cref="StateException">It can't be read, or isn't whole.</exception>
    public T? Read()
    {
        try
        {
            if (!File.Exists(path))
            {
                return null;
            }

            if (new FileInfo(path).Length > LargestFile)
            {
                throw new StateException(
                    $"{path}: expected at most {LargestFile / 1024 / 1024} MiB, found more"
                );
            }

            return Parse(File.ReadAllBytes(path));
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new StateException($"{path}: can't be read: {problem.Message}", problem);
        }
    }

    /// <summary>What the file would hold if this were in it.</summary>
    /// <exception cref="StateException">It isn't whole, or of another version.</exception>
    public T Parse(ReadOnlySpan<byte> json)
    {
        try
        {
            var file =
                JsonSerializer.Deserialize(json, type)
                ?? throw new StateException($"{path}: isn't a whole file of this agent's (null)");
            return file.Version == version
                ? file
                : throw new StateException(
                    $"{path}: expected version {version}, found {file.Version}"
                );
        }
        catch (JsonException problem)
        {
            throw new StateException(
                $"{path}: isn't a whole file of this agent's ({problem.Message})",
                problem
            );
        }
    }

    /// <summary>Replaces the file, and makes its folder if need be.</summary>
    /// <exception cref="StateException">It can't be written.</exception>
    public void Write(T content)
    {
        content = content with { Version = version };
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            var temporary = path + ".new";
            File.WriteAllBytes(temporary, JsonSerializer.SerializeToUtf8Bytes(content, type));
            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new StateException($"{path}: can't be written: {problem.Message}", problem);
        }
    }
}

/// <summary>What every file of the state folder begins with.</summary>
internal abstract record VersionedFile
{
    public int Version { get; init; }
}

/// <summary>A file of the state folder can't be read or written; the message says which and why.</summary>
internal sealed class StateException(string message, Exception? inner = null)
    : Exception(message, inner);
