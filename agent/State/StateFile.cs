using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using PinAgent.Model.Text;
using PinAgent.NativeInterop;
using PinAgent.NativeInterop.Files;

namespace PinAgent.State;

/// <summary>
/// A small JSON file in the agent's state folder. It's replaced in one step, so that a reader, or an agent that was
/// killed, never meets half of it.
/// </summary>
/// <typeparam name="T">What the file holds.</typeparam>
/// <param name="version">The version of the format. A newer agent's file isn't understood.</param>
internal sealed class StateFile<T>(string path, JsonTypeInfo<T> type, int version)
    where T : VersionedFile
{
    /// <summary>The largest file, in bytes: what it's read into takes some thirty times as much at worst.</summary>
    public const int LargestFile = 1024 * 1024;

    private const UnixFileMode OwnerAndGroupsReading =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;

    /// <summary>Reads the file; null if there is none.</summary>
    /// <exception cref="StateException">It can't be read, or isn't whole.</exception>
    public T? Read()
    {
        var result = OwnFile.Read(path, LargestFile, followsLinks: false, out var json);
        return result.Errno switch
        {
            Errno.None => Parse(json),
            Errno.ENOENT or Errno.ENOTDIR => null,
            _ => throw Unreadable(result),
        };
    }

    /// <summary>What the file would hold if this were in it.</summary>
    /// <exception cref="StateException">It isn't whole, or of another version.</exception>
    public T Parse(ReadOnlySpan<byte> json)
    {
        try
        {
            var file =
                JsonSerializer.Deserialize(json, type)
                ?? throw Unusable("isn't a whole file of this agent's (null)");
            return file.Version == version
                ? file
                : throw Unusable($"expected version {version}, found {file.Version}");
        }
        catch (JsonException problem)
        {
            throw Unusable($"isn't a whole file of this agent's ({problem.Message})", problem);
        }
    }

    /// <summary>Why the file can't be read.</summary>
    public StateException Unreadable(LinuxResult result) =>
        new($"{path}: can't be read: {OwnFile.Describe(result, LargestFile)}")
        {
            IsUnusable = OwnFile.IsUnusable(result),
        };

    /// <summary>Replaces the file, and makes its folder if need be.</summary>
    /// <exception cref="StateException">It can't be written.</exception>
    public void Write(T content)
    {
        content = content with { Version = version };
        try
        {
            var json = JsonSerializer.SerializeToUtf8Bytes(content, type);
            if (json.Length > LargestFile)
            {
                throw new IOException($"expected at most {LargestFile} bytes, found {json.Length}");
            }

            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            var temporary = path + ".new";

            // What a killed agent has left, or a link that somebody has put there, which isn't written through.
            File.Delete(temporary);
            using (
                var file = new FileStream(
                    temporary,
                    new FileStreamOptions
                    {
                        Mode = FileMode.CreateNew,
                        Access = FileAccess.Write,
                        UnixCreateMode = OwnerAndGroupsReading,
                    }
                )
            )
            {
                file.Write(json);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new StateException(
                $"{path}: can't be written: {FileProblem.Describe(problem)}",
                problem
            );
        }
    }

    /// <summary>
    /// Renames a file that can never be used, so that the next one is written and nothing of this one is lost.
    /// </summary>
    /// <returns>What was wrong and what was done; null if the file is fit, isn't there, or may be read another time.</returns>
    public string? SetAsideIfUnusable()
    {
        try
        {
            _ = Read();
            return null;
        }
        catch (StateException problem)
        {
            return problem.IsUnusable ? $"{problem.Message}; {SetAside.Rename(path)}" : null;
        }
    }

    private StateException Unusable(string because, Exception? inner = null) =>
        new($"{path}: {because}", inner) { IsUnusable = true };
}

/// <summary>What every file of the state folder begins with.</summary>
internal abstract record VersionedFile
{
    public int Version { get; init; }
}

/// <summary>A file of the state folder can't be read or written; the message says which and why.</summary>
internal sealed class StateException(string message, Exception? inner = null)
    : Exception(message, inner)
{
    /// <summary>Whether the file is there and will never do, however often it's read.</summary>
    public bool IsUnusable { get; init; }
}
