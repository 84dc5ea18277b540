using System.Text;
using System.Text.Json;
using PinAgent.Model.Changes;

namespace PinAgent.State;

/// <summary>
/// The flight recorder: a line of JSON per change, in two files of bounded size of which the older gives way. It survives the
/// agent's restart; the line that a killed agent was writing is passed over.
/// </summary>
/// <param name="path">The newer file; the older has <c>.1</c> behind its name.</param>
/// <param name="mostBytes">How long one of them gets, in bytes.</param>
internal sealed class HistoryFile(string path, int mostBytes = 1024 * 1024)
{
    private string Older => path + ".1";

    /// <summary>What went wrong with the file; null if nothing did.</summary>
    public string? Problem { get; private set; }

    /// <summary>Adds changes.</summary>
    public void Add(IReadOnlyCollection<VmChange> changes)
    {
        if (changes.Count == 0)
        {
            return;
        }

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
            if (File.Exists(path) && new FileInfo(path).Length + bytes.Length > mostBytes)
            {
                File.Move(path, Older, overwrite: true);
            }

            using var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite);
            EndLine(file);
            file.Write(bytes);
            Problem = null;
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            Problem = $"{path}: can't be written, so explain won't know: {problem.Message}";
        }
    }

    /// <summary>All changes that are kept, the oldest first.</summary>
    /// <exception cref="StateException">A file can't be read.</exception>
    public IReadOnlyList<VmChange> Read()
    {
        var changes = new List<VmChange>();
        foreach (var file in new[] { Older, path }.Where(File.Exists))
        {
            try
            {
                changes.AddRange(File.ReadLines(file).Select(Parse).OfType<VmChange>());
            }
            catch (FileNotFoundException)
            {
                // The older one gave way to the newer just now.
            }
            catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
            {
                throw new StateException($"{file}: can't be read: {problem.Message}", problem);
            }
        }

        return changes;
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

    private static VmChange? Parse(string line)
    {
        try
        {
            var change = JsonSerializer.Deserialize(line, VmChangeJson.Default.VmChange);
            return change is { Version: VmChange.CurrentVersion } ? change : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
