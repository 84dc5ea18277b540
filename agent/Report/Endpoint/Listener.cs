using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using PinAgent.Model.Text;

namespace PinAgent.Report.Endpoint;

/// <summary>A socket that is bound and doesn't listen yet, or why there is none.</summary>
/// <param name="Socket">The socket; null if there's none.</param>
/// <param name="Problem">The sentence; null if there's a socket.</param>
internal sealed record Listener(Socket? Socket, string? Problem)
{
    private const UnixFileMode OwnerAndGroup =
        UnixFileMode.UserRead
        | UnixFileMode.UserWrite
        | UnixFileMode.GroupRead
        | UnixFileMode.GroupWrite;

    // What the kernel holds, and copies, for a client that doesn't read: otherwise megabytes, of each.
    private const int SendBuffer = 64 * 1024;

    /// <summary>Takes a TCP port.</summary>
    /// <param name="otherwise">What is missing without it, and what to do.</param>
    public static Listener Tcp(IPEndPoint address, string otherwise)
    {
        try
        {
            var socket = SocketTransportOptions.CreateDefaultBoundListenSocket(address);

            // Those that are accepted inherit it.
            socket.SendBufferSize = SendBuffer;
            return new(socket, null);
        }
        catch (SocketException problem)
        {
            return new(null, $"{address}: {FileProblem.Describe(problem)}: {otherwise}");
        }
    }

    /// <summary>
    /// Makes a Unix socket for its owner and group. The file that a dead agent has left is replaced; a living agent's
    /// isn't.
    /// </summary>
    public static Listener Unix(string path)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            var file = new FileInfo(path);
            if (file.Exists)
            {
                // A socket has no length, and nothing is lost with a file that has none.
                if (file.Length > 0 || IsInUse(path))
                {
                    return new(
                        null,
                        $"{path}: expected no file, or the socket of an agent that has ended, found "
                            + (file.Length > 0 ? "a file" : "the socket of a running one")
                            + ": no pinagent status; choose another path with --socket"
                    );
                }

                file.Delete();
            }

            var socket = SocketTransportOptions.CreateDefaultBoundListenSocket(
                new UnixDomainSocketEndPoint(path)
            );

            // Nobody can connect before it listens.
            File.SetUnixFileMode(path, OwnerAndGroup);
            return new(socket, null);
        }
        catch (Exception problem)
            when (problem is SocketException or IOException or UnauthorizedAccessException)
        {
            return new(
                null,
                $"{path}: {FileProblem.Describe(problem)}: no pinagent status; choose another path with --socket"
            );
        }
    }

    private static bool IsInUse(string path)
    {
        using var client = new Socket(
            AddressFamily.Unix,
            SocketType.Stream,
            ProtocolType.Unspecified
        )
        {
            // An agent that is too busy to accept must not stop this one.
            Blocking = false,
        };
        try
        {
            client.Connect(new UnixDomainSocketEndPoint(path));
            return true;
        }
        catch (SocketException problem)
        {
            return problem.SocketErrorCode != SocketError.ConnectionRefused;
        }
    }
}
