using System.Net.Sockets;
using PinAgent.NativeInterop;

namespace PinAgent.Model.Text;

/// <summary>
/// What is wrong with a file, a folder or a socket, in words that go behind its path. The runtime's own texts name the path
/// once more, and speak of "a part of the path".
/// </summary>
internal static class FileProblem
{
    /// <summary>The words for an exception of the runtime's or of ours.</summary>
    public static string Describe(Exception problem) =>
        problem switch
        {
            FileNotFoundException => "no such file",
            DirectoryNotFoundException => "no such folder",
            PathTooLongException => "the path is too long",
            UnauthorizedAccessException => "permission denied",
            SocketException socket => Describe(socket),
            IOException io when NumberOf(io) is { } errno => errno.Describe(),
            _ => problem.Message,
        };

    /// <summary>The words with the path before them.</summary>
    public static string Describe(string path, Exception problem) =>
        // Ours begin with the path, and that may be of a file in the folder.
        problem.Message.StartsWith(path, StringComparison.Ordinal)
            ? problem.Message
        // The runtime opens a folder and then finds that it mustn't.
        : problem is UnauthorizedAccessException && Directory.Exists(path)
            ? $"{path}: expected a file, found a folder"
        : $"{path}: {Describe(problem)}";

    /// <summary>The words, with the path that the runtime's text quotes, where nobody else knows which it was.</summary>
    public static string DescribeWithPath(Exception problem) =>
        problem is IOException or UnauthorizedAccessException
        && problem.Message.Split('\'') is [_, { Length: > 0 } path, _]
            ? Describe(path, problem)
            : Describe(problem);

    private static string Describe(SocketException problem) =>
        problem.SocketErrorCode switch
        {
            SocketError.AccessDenied => "permission denied",
            SocketError.AddressAlreadyInUse => "another program has it",
            SocketError.ConnectionRefused => "connection refused, nobody answers there",
            // Of a Unix socket without a file, too.
            SocketError.AddressNotAvailable => "no such address or socket here",
            // One that the runtime doesn't know, as of a path below a file.
            SocketError.SocketError => "no such socket",
            _ => problem.Message,
        };

    // On Linux the runtime keeps the kernel's number there; its own are negative.
    private static Errno? NumberOf(IOException problem) =>
        problem.HResult is > 0 and < 4096 ? (Errno)problem.HResult : null;
}
