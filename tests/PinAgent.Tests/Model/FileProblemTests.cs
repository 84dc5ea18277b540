using System.Net.Sockets;
using System.Text.RegularExpressions;
using PinAgent.Model.Text;
using PinAgent.NativeInterop;
using PinAgent.Tests.Validate;
using Xunit;

namespace PinAgent.Tests.Model;

/// <summary>What is wrong with a file, in sentences: what the runtime itself throws here, and what it's turned into.</summary>
public sealed partial class FileProblemTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("problem-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void What_the_runtime_throws_becomes_a_sentence_with_the_path_once()
    {
        File.WriteAllText($"{_folder}/file", "");
        File.CreateSymbolicLink($"{_folder}/loop", $"{_folder}/loop");

        Says("no such file", $"{_folder}/none", File.ReadAllText);
        Says("no such folder", $"{_folder}/none/file", File.ReadAllText);
        Says("no such folder", $"{_folder}/file/below", File.ReadAllText);
        Says("no such folder", $"{_folder}/file/below", Directory.CreateDirectory);
        Says("expected a file, found a folder", _folder, File.ReadAllText);
        Says("too many symbolic links (ELOOP)", $"{_folder}/loop", File.ReadAllText);
        Says("the path is too long", $"{_folder}/{new string('x', 300)}", File.ReadAllText);
        Says("no space left on the disk (ENOSPC)", "/dev/full", path => Write(path));
        Says(
            "exists already (EEXIST)",
            $"{_folder}/file",
            path => new FileStream(path, FileMode.CreateNew)
        );
        Says("no such address or socket here", $"{_folder}/none.sock", Connect);
        Says("no such socket", $"{_folder}/file/none.sock", Connect);
        Says("connection refused, nobody answers there", $"{_folder}/file", Connect);
    }

    [Fact]
    public void A_right_that_is_missing_is_said_whoever_throws()
    {
        Assert.Equal(
            "/x: permission denied",
            FileProblem.Describe("/x", new UnauthorizedAccessException("Access to '/x' is denied."))
        );
        Assert.Equal(
            "/x: permission denied (EACCES)",
            FileProblem.Describe("/x", new LinuxResult(Errno.EACCES).ToException("/x"))
        );
        Assert.Equal(
            "expected at most 5 bytes, found 6",
            FileProblem.Describe(new IOException("expected at most 5 bytes, found 6"))
        );
    }

    [Fact]
    public void A_path_that_only_the_runtime_knows_is_kept()
    {
        var problem = Assert.ThrowsAny<IOException>(() => File.ReadAllText($"{_folder}/a/token"));

        Assert.Equal($"{_folder}/a/token: no such folder", FileProblem.DescribeWithPath(problem));
        Assert.Equal("odd", FileProblem.DescribeWithPath(new InvalidOperationException("odd")));
    }

    // The runtime's own words reach nobody. Those that are let through throw nothing but sentences of ours.
    [Fact]
    public void No_text_of_the_runtimes_about_a_file_is_passed_on()
    {
        string[] ours = ["agent/Report/Endpoint/Scrape/ServerCertificates.cs"];
        var agent = RepositoryFiles.Path("agent");
        var passedOn = Directory
            .EnumerateFiles(agent, "*.cs", SearchOption.AllDirectories)
            .Where(file => PassedOn().IsMatch(File.ReadAllText(file)))
            .Select(file => $"agent/{Path.GetRelativePath(agent, file)}");

        Assert.Equal(ours, passedOn.Except(["agent/Model/Text/FileProblem.cs"]));
    }

    private static void Says(string expected, string path, Func<string, object> attempt)
    {
        var problem = Assert.ThrowsAny<Exception>(() => attempt(path));
        Assert.Equal($"{path}: {expected}", FileProblem.Describe(path, problem));
    }

    private static FileStream Write(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Write);
        file.Write([1]);
        file.Flush();
        return file;
    }

    private static Socket Connect(string path)
    {
        using var socket = new Socket(
            AddressFamily.Unix,
            SocketType.Stream,
            ProtocolType.Unspecified
        );
        socket.Connect(new UnixDomainSocketEndPoint(path));
        return socket;
    }

    // A handler of such exceptions, and up to its end the exception's own text.
    [GeneratedRegex(
        @"^(?<indent> *)catch[^{]*\b(IOException|UnauthorizedAccessException|SocketException)\b[^{]*\{(?:(?!^\k<indent>\}).)*?\b(problem|exception)(\.GetBaseException\(\))?\.Message",
        RegexOptions.Multiline | RegexOptions.Singleline | RegexOptions.ExplicitCapture,
        // It refers back, which takes the engine that may try for long.
        Patience.Hang
    )]
    private static partial Regex PassedOn();
}
