using System.Text;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;
using PinAgent.Model.Changes;
using PinAgent.Model.Text;
using PinAgent.NativeInterop;
using PinAgent.NativeInterop.Files;

namespace PinAgent.State;

/// <summary>
/// The flight recorder: a line of JSON per change, in two files of bounded size of which the older gives way. It survives the
/// agent's restart; the line that a killed agent was writing is passed over. Several threads may add to it.
/// </summary>
/// <param name="path">The newer file; the older has <c>.1</c> behind its name.</param>
/// <param name="mostBytes">How long one of them gets, in bytes.</param>
internal sealed class HistoryFile(string path, int mostBytes = 1024 * 1024)
{
    private readonly Lock _lock = new();

    private string Older => path + ".1";

    /// <summary>What went wrong with the file; null if nothing did.</summary>
    public string? Problem { get; private set; }

    /// <summary>Is told what was added, when it's in the file; null where nobody asks.</summary>
    public Action<IReadOnlyCollection<VmChange>>? Added { get; set; }

    /// <summary>Adds changes.</summary>
    public void Add(IReadOnlyCollection<VmChange> changes)
    {
        if (changes.Count == 0)
        {
            return;
        }

        lock (_lock)
        {
            Write(changes);
            Added?.Invoke(changes);
        }
    }

    private void Write(IReadOnlyCollection<VmChange> changes)
    {
        var text = new StringBuilder();
        foreach (var change in changes)
        {
            text.Append(JsonSerializer.Serialize(change, VmChangeJson.Default.VmChange));
            text.Append('\n');
        }

        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            var bytes = Encoding.UTF8.GetBytes(text.ToString());
            Problem = null;
            var file = Open();
            if (
                RandomAccess.GetLength(file) is > 0 and var length
                && length + bytes.Length > mostBytes
            )
            {
                file.Dispose();
                File.Move(path, Older, overwrite: true);
                file = Open();
            }

            using var stream = new FileStream(file, FileAccess.ReadWrite);
            EndLine(stream);
            stream.Write(bytes);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            Problem =
                $"{path}: can't be written, so explain won't know: {FileProblem.Describe(problem)}";
        }
    }

    /// <summary>All changes that are kept, the oldest first.</summary>
    /// <exception cref="StateException">A file can't be read.</exception>
    public IReadOnlyList<VmChange> Read()
    {
        var changes = new List<VmChange>();
        foreach (var file in new[] { Older, path })
        {
            // One longer than the agent lets it get: another program's, or a change that alone was longer.
            var most = 2 * Math.Max(mostBytes, StateFile<VersionedFile>.LargestFile);
            var result = OwnFile.Read(file, most, followsLinks: false, out var bytes);

            // The older one may just have given way to the newer.
            if (result.Errno is Errno.ENOENT or Errno.ENOTDIR)
            {
                continue;
            }

            if (!result.IsSuccess)
            {
                throw new StateException(
                    $"{file}: can't be read: {OwnFile.Describe(result, most)}"
                );
            }

            foreach (var line in bytes.AsSpan().Split((byte)'\n'))
            {
                if (Parse(bytes.AsSpan()[line]) is { } change)
                {
                    changes.Add(change);
                }
            }
        }

        return changes;
    }

    // What is no regular file never becomes one: it's set aside, and that is said with the first change.
    private SafeFileHandle Open()
    {
        var result = OwnFile.OpenToWrite(path, out var file);
        if (OwnFile.IsUnusable(result))
        {
            Problem = $"{path}: {OwnFile.Describe(result, mostBytes)}; {SetAside.Rename(path)}";
            result = OwnFile.OpenToWrite(path, out file);
        }

        result.ThrowIfFailed(path);
        return file!;
    }

    // An agent that was killed may have left half a line.
    private static void EndLine(FileStream file)
    {
        file.Seek(0, SeekOrigin.End);
        if (file.Length > 0)
        {
            file.Seek(-1, SeekOrigin.End);
            if (file.ReadByte() != '\n')
            {
                file.WriteByte((byte)'\n');
            }
        }
    }

    private static VmChange? Parse(ReadOnlySpan<byte> line)
    {
        if (line.IsEmpty)
        {
            return null;
        }

        try
        {
            var change = JsonSerializer.Deserialize(line, VmChangeJson.Default.VmChange);
            return change is not null && IsSound(change) ? change : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    // JSON can leave out, and make too much of, what an agent always writes.
    private static bool IsSound(VmChange change) =>
        change
            is {
                Version: VmChange.CurrentVersion,
                Namespace: not null,
                Name: not null,
                Threads.IsDefault: false,
                UnpinnedSecondsAtMost: null or (>= 0 and <= 1e9),
            }
        && change.Threads.All(thread => thread is not null);
}
