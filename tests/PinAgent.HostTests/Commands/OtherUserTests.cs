using CliWrap;
using CliWrap.Buffered;
using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Commands;

/// <summary>What somebody who isn't root is told of an agent that root runs: that it may not be asked, and by whom it may.</summary>
public sealed class OtherUserTests
{
    private const int Timeout = Patience.Hang;

    [Theory(Timeout = Timeout)]
    [InlineData("doctor", 1, "may not ask it (permission denied)")]
    [InlineData(
        "status",
        3,
        "permission denied: ask as root, or as a member of the socket's group"
    )]
    [InlineData("prove", 3, "permission denied: ask as root", "--vm", "nobody", "--for", "1s")]
    [InlineData("release", 3, "permission denied: ask as root", "--all")]
    public async Task It_is_told_that_the_agent_cannot_be_asked(
        string command,
        int code,
        string expected,
        params string[] more
    )
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "needs root, to be another user");
        await using var agent = new AgentLoop("--mode", "audit");
        await agent.WaitForLogAsync("mode audit");
        var folder = Path.GetDirectoryName(agent.Socket)!;
        foreach (var mode in new[] { "711", "700" })
        {
            await Cli.Wrap("chmod")
                .WithArguments([mode, folder])
                .ExecuteAsync(TestContext.Current.CancellationToken);

            var result = await AskAsNobodyAsync([command, .. more, "--socket", agent.Socket]);

            var said = result.StandardOutput + result.StandardError;
            Assert.Equal((code, mode), (result.ExitCode, mode));
            Assert.Contains(expected, said, StringComparison.Ordinal);
            Assert.DoesNotContain("no agent runs here", said, StringComparison.Ordinal);
            Assert.DoesNotContain("until one runs", said, StringComparison.Ordinal);
            Assert.DoesNotContain("\n   at ", said, StringComparison.Ordinal);
            Assert.DoesNotContain("Access to the path", said, StringComparison.Ordinal);
        }
    }

    [Theory(Timeout = Timeout)]
    [InlineData("explain", 3, "can't be read: permission denied", "--vm", "x")]
    [InlineData("detect", 3, "CPU manager: unknown")]
    [InlineData("report", 3, "report.tar.gz: permission denied", "--output", "/report.tar.gz")]
    public async Task What_cannot_be_read_or_written_is_a_sentence(
        string command,
        int code,
        string expected,
        params string[] more
    )
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "needs root, to be another user");
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(
            $"{folder.Path}/changes.jsonl",
            "",
            TestContext.Current.CancellationToken
        );
        await Cli.Wrap("chmod")
            .WithArguments(["700", folder.Path])
            .ExecuteAsync(TestContext.Current.CancellationToken);
        string[] state = command is "explain" or "report" ? ["--state-dir", folder.Path] : [];

        var result = await AskAsNobodyAsync([
            command,
            .. more,
            .. state,
            "--kubelet-root",
            folder.Path,
        ]);

        Assert.Equal(code, result.ExitCode);
        Assert.Contains(
            expected,
            result.StandardOutput + result.StandardError,
            StringComparison.Ordinal
        );
    }

    private static async Task<BufferedCommandResult> AskAsNobodyAsync(string[] arguments) =>
        await Cli.Wrap("setpriv")
            .WithArguments([
                "--reuid=65534",
                "--regid=65534",
                "--clear-groups",
                Paths.Agent,
                .. arguments,
            ])
            .WithWorkingDirectory("/")
            .WithValidation(CommandResultValidation.None)
            .ExecuteBufferedAsync(TestContext.Current.CancellationToken);
}
