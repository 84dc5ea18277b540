using CliWrap;
using PinAgent.HostTests.Harness;
using PinAgent.HostTests.Kubelet;
using Xunit;

namespace PinAgent.HostTests.Faults;

/// <summary>What the agent stands on and isn't the kernel's processes: the disk it keeps things on, and whoever reads its log.</summary>
[Trait("lane", "faults")]
public sealed class SurroundingsTests
{
    // As much as fits a pipe, if nobody has asked for more (pipe(7)).
    private const int PipeBytes = 65536;

    [Fact(Timeout = Patience.Hang)]
    public async Task A_log_that_nobody_reads_holds_up_nothing()
    {
        FaultLane.Require();
        await using var scene = await FaultScene.StartAsync();
        await scene.EndAgentAsync();
        using var folder = new TemporaryFolder();
        var pipe = $"{folder.Path}/log";
        await Cli.Wrap("mkfifo")
            .WithArguments([pipe])
            .ExecuteAsync(TestContext.Current.CancellationToken);
        await using var reader = new FileStream(pipe, FileMode.Open, FileAccess.ReadWrite);
        await reader.WriteAsync(new byte[PipeBytes], TestContext.Current.CancellationToken);
        await reader.FlushAsync(TestContext.Current.CancellationToken);

        var agent = AgentLoop.Through(
            ["sh", "-c", $"exec 2>{pipe}; exec \"$@\"", "sh"],
            scene.Arguments
        );
        scene.Take(agent);
        await scene.MoveThreadAsync();
        await scene.LiveAsync();
        await scene.JudgeHealthAsync();

        Assert.Equal(0, await agent.StopAsync("TERM"));
    }

    [Fact(Timeout = Patience.Hang)]
    public async Task A_disk_that_is_full_is_told_and_keeps_nobody_from_being_pinned()
    {
        FaultLane.Require();
        await using var scene = await FaultScene.StartAsync();
        await scene.EndAgentAsync();
        using var disk = new TemporaryFolder();
        await Cli.Wrap("mount")
            .WithArguments(["-t", "tmpfs", "-o", "size=64k", "tmpfs", disk.Path])
            .ExecuteAsync(TestContext.Current.CancellationToken);
        try
        {
            Fill($"{disk.Path}/others");
            var agent = new AgentLoop([.. scene.Arguments, "--state-dir", disk.Path]);
            scene.Take(agent);
            await agent.WaitForLogAsync("pinned within");
            await scene.LiveAsync();
            await Until.HoldsAsync(
                async () => (await NoticesAsync(agent)).Contains("no space left", default),
                () => NoticesAsync(agent)
            );

            File.Delete($"{disk.Path}/others");
            await scene.LiveAsync();
            await Until.HoldsAsync(
                async () => !(await NoticesAsync(agent)).Contains("no space left", default),
                () => NoticesAsync(agent)
            );
            await scene.EndAgentAsync();
        }
        finally
        {
            await Cli.Wrap("umount")
                .WithArguments(["--lazy", disk.Path])
                .ExecuteAsync(CancellationToken.None);
        }
    }

    private static void Fill(string path)
    {
        using var file = new FileStream(
            path,
            FileMode.CreateNew,
            FileAccess.Write,
            FileShare.Read,
            bufferSize: 0
        );
        try
        {
            while (true)
            {
                file.Write(new byte[512]);
            }
        }
        catch (IOException)
        {
            // Full.
        }
    }

    private static async Task<string> NoticesAsync(AgentLoop agent) =>
        (await agent.AskAsync()).StandardOutput;
}
