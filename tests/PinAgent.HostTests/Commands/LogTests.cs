using System.Net.Sockets;
using CliWrap;
using PinAgent.HostTests.Harness;
using PinAgent.HostTests.Kubelet;
using Xunit;

namespace PinAgent.HostTests.Commands;

/// <summary>What becomes of an agent whose log somebody was to read and doesn't: a container's runtime or a journal that hangs.</summary>
public sealed class LogTests
{
    // As much as fits a pipe where nobody has asked for more (pipe(7)).
    private const int PipeBytes = 65536;

    [Fact(Timeout = Patience.Hang)]
    public async Task A_log_that_nobody_reads_holds_up_neither_passes_nor_answers_nor_its_end()
    {
        Requires.Program("mkfifo");
        using var folder = new TemporaryFolder();
        var pipe = $"{folder.Path}/log";
        await RunAsync("mkfifo", pipe);
        using var reader = File.OpenHandle(pipe, access: FileAccess.ReadWrite);
        await RunAsync("sh", "-c", $"head -c {PipeBytes} /dev/zero >{pipe}");

        await using var agent = AgentLoop.Through(
            ["sh", "-c", $"exec 2>{pipe}; exec \"$@\"", "sh"],
            "--mode",
            "audit"
        );
        string? before = null;
        await Until.HoldsAsync(
            async () => await PassesAsync(agent) is { } now && now != before,
            async () => $"{before}, then {await PassesAsync(agent)}"
        );

        Assert.Equal(0, await agent.StopAsync("TERM"));

        // Null while it doesn't answer yet.
        async Task<string?> PassesAsync(AgentLoop agent)
        {
            try
            {
                var passes = (await agent.MetricsAsync())
                    .Split('\n')
                    .First(line =>
                        line.StartsWith("pinagent_resync_duration_seconds_count ", default)
                    );
                before ??= passes;
                return passes;
            }
            catch (Exception problem) when (problem is HttpRequestException or SocketException)
            {
                return null;
            }
        }
    }

    private static Task RunAsync(string program, params string[] arguments) =>
        Cli.Wrap(program)
            .WithArguments(arguments)
            .ExecuteAsync(TestContext.Current.CancellationToken)
            .Task;
}
