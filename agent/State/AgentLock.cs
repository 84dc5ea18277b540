using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;
using PinAgent.Model.Text;
using PinAgent.NativeInterop;
using PinAgent.NativeInterop.Files;

namespace PinAgent.State;

/// <summary>
/// One agent at a time sets masks by a state folder. A lock of the kernel's says so, which goes with its holder however that
/// ends; what the file holds is only for the sentence about it.
/// </summary>
internal sealed class AgentLock(string path, TimeProvider time) : IDisposable
{
    // A number and a time.
    private const int LargestFile = 256;

    private SafeFileHandle? _file;

    /// <summary>
    /// What is wrong with the file; null if nothing is. Where the folder can't be written, nothing keeps two agents apart.
    /// </summary>
    public string? Problem { get; private set; }

    /// <summary>Takes the lock, unless this agent has it already.</summary>
    /// <returns>Who else has it, in words; null if nobody does.</returns>
    public string? Take()
    {
        if (_file is { } held)
        {
            if (Problem is not null)
            {
                Sign(held);
            }

            return null;
        }

        Problem = null;
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            var file = Open();
            if (FileLock.TryTake(file) is { IsSuccess: false } refused)
            {
                file.Dispose();
                return refused.Errno == Errno.EAGAIN ? Holder() : Unknown(refused.Errno.Describe());
            }

            _file = file;
            Sign(file);
            return null;
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            return Unknown(FileProblem.Describe(problem));
        }
    }

    /// <summary>Gives it back.</summary>
    public void Dispose()
    {
        if (_file is { } file)
        {
            FileLock.Release(file);
            file.Dispose();
            _file = null;
        }
    }

    private SafeFileHandle Open()
    {
        var result = OwnFile.OpenToWrite(path, out var file);
        if (OwnFile.IsUnusable(result))
        {
            _ = SetAside.Rename(path);
            result = OwnFile.OpenToWrite(path, out file);
        }

        result.ThrowIfFailed(path);
        return file!;
    }

    // The disk may be full; the lock holds all the same, and is signed once there's room.
    private void Sign(SafeFileHandle file)
    {
        try
        {
            RandomAccess.SetLength(file, 0);
            RandomAccess.Write(
                file,
                Encoding.ASCII.GetBytes(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{Environment.ProcessId} {time.GetUtcNow():u}\n"
                    )
                ),
                0
            );
            Problem = null;
        }
        catch (IOException problem)
        {
            Problem =
                $"{path}: {FileProblem.Describe(problem)}: a second agent would be refused, and not told because of whom";
        }
    }

    private string Holder()
    {
        var result = OwnFile.Read(path, LargestFile, followsLinks: false, out var bytes);
        var parts = Encoding.UTF8.GetString(bytes).TrimEnd().Split(' ', 2);
        var who =
            result.IsSuccess
            && parts is [var pid, var since]
            && int.TryParse(pid, NumberStyles.None, CultureInfo.InvariantCulture, out _)
                ? $" (pid {pid}, since {Words.Printable(since)})"
                : "";
        return $"another agent{who} pins by the state folder {Path.GetDirectoryName(path)}";
    }

    private string? Unknown(string because)
    {
        Problem = $"{path}: {because}: a second agent would not be noticed";
        return null;
    }
}
