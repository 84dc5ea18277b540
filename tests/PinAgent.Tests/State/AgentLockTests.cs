using System.Diagnostics;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using PinAgent.Loop;
using PinAgent.Model.Node;
using PinAgent.NativeInterop;
using PinAgent.NativeInterop.Files;
using PinAgent.Report;
using PinAgent.State;
using Xunit;

namespace PinAgent.Tests.State;

/// <summary>One agent at a time sets masks by a state folder. A lock that was opened twice is as good as two processes' (flock(2)).</summary>
public sealed class AgentLockTests : IDisposable
{
    private static readonly FakeTimeProvider Time = new(
        new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero)
    );

    private readonly string _folder = Directory.CreateTempSubdirectory("lock-").FullName;

    private string Path => $"{_folder}/agent.lock";

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void The_second_is_told_who_has_it_and_gets_it_once_that_one_has_ended()
    {
        using var first = new AgentLock(Path, Time);
        using var second = new AgentLock(Path, Time);

        Assert.Null(first.Take());
        Assert.Null(first.Take());
        Assert.Equal(
            $"another agent (pid {Environment.ProcessId}, since 2026-01-02 03:04:05Z) pins by the state folder {_folder}",
            second.Take()
        );

        first.Dispose();
        Assert.Null(second.Take());
        Assert.NotNull(first.Take());
    }

    [Theory]
    [InlineData("")]
    [InlineData("1 2020-01-01 00:00:00Z\n")]
    [InlineData("not from here\n")]
    public void What_a_dead_agent_has_left_is_no_hindrance(string left)
    {
        File.WriteAllText(Path, left);
        using var held = new AgentLock(Path, Time);

        Assert.Null(held.Take());
        Assert.Null(held.Problem);
        held.Dispose();
        Assert.StartsWith($"{Environment.ProcessId} 2026-01-02", File.ReadAllText(Path));
    }

    [Theory]
    [InlineData("x\u001b[2J y\n")]
    [InlineData("")]
    public void Where_the_file_says_nothing_of_use_the_other_is_told_without_its_number(string text)
    {
        using var held = new AgentLock(Path, Time);
        held.Take();
        Overwrite(text);
        using var second = new AgentLock(Path, Time);

        Assert.Equal($"another agent pins by the state folder {_folder}", second.Take());
    }

    // The runtime's own way of writing takes the lock, too.
    private void Overwrite(string text)
    {
        Assert.True(OwnFile.OpenToWrite(Path, out var file).IsSuccess);
        using (file)
        {
            RandomAccess.SetLength(file!, 0);
            RandomAccess.Write(file!, Encoding.UTF8.GetBytes(text), 0);
        }
    }

    [Fact]
    public async Task The_lock_goes_with_a_process_that_is_killed()
    {
        using var holder = Process.Start(
            new ProcessStartInfo("flock", ["--no-fork", Path, "cat"])
            {
                UseShellExecute = false,
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
            }
        )!;
        // flock(1) becomes cat once it has the lock, and that answers.
        await holder.StandardInput.WriteLineAsync("ready");
        await holder.StandardInput.FlushAsync(TestContext.Current.CancellationToken);
        await holder.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken);
        using var held = new AgentLock(Path, Time);
        Assert.NotNull(held.Take());

        holder.Kill();
        await holder.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Null(held.Take());
    }

    [Fact]
    public void Where_nothing_can_be_written_that_is_said_and_the_agent_goes_on()
    {
        File.WriteAllText($"{_folder}/file", "");
        using var held = new AgentLock($"{_folder}/file/agent.lock", Time);

        Assert.Null(held.Take());
        Assert.Equal(
            $"{_folder}/file/agent.lock: exists already (EEXIST): a second agent would not be noticed",
            held.Problem
        );
    }

    [Fact]
    public void Something_else_of_that_name_is_set_aside()
    {
        Directory.CreateDirectory(Path);
        using var held = new AgentLock(Path, Time);

        Assert.Null(held.Take());
        Assert.Null(held.Problem);
        Assert.True(Directory.Exists($"{Path}.unusable"));
        using var second = new AgentLock(Path, Time);
        Assert.NotNull(second.Take());
    }

    [Fact]
    public void Who_sets_masks_refuses_to_begin_beside_another_and_who_reports_does_not()
    {
        using var other = new AgentLock(Path, Time);
        other.Take();
        using var held = new AgentLock(Path, Time);
        var mode = AgentMode.Audit;
        var sole = new SoleAgent(held, () => new EffectiveMode(mode, null));

        sole.Begin();
        Assert.Equal(new EffectiveMode(AgentMode.Audit, null), sole.Look());

        mode = AgentMode.Enforce;
        var problem = Assert.Throws<InvalidDataException>(sole.Begin);
        Assert.Contains($"(pid {Environment.ProcessId}, ", problem.Message);
    }

    [Fact]
    public void An_edit_to_enforce_waits_for_the_other_to_end_and_one_to_audit_lets_others_in()
    {
        using var other = new AgentLock(Path, Time);
        other.Take();
        using var held = new AgentLock(Path, Time);
        var mode = AgentMode.Enforce;
        var sole = new SoleAgent(held, () => new EffectiveMode(mode, null));

        var waiting = sole.Look();
        Assert.Equal(AgentMode.Audit, waiting.Mode);
        Assert.EndsWith(": audit only until it ends", waiting.Message);

        other.Dispose();
        Assert.Equal(new EffectiveMode(AgentMode.Enforce, null), sole.Look());
        Assert.NotNull(other.Take());

        mode = AgentMode.Audit;
        sole.Look();
        Assert.Null(other.Take());
    }

    [Fact]
    public void A_folder_that_cannot_be_written_is_told_beside_what_else_there_is_to_tell()
    {
        File.WriteAllText($"{_folder}/file", "");
        using var held = new AgentLock($"{_folder}/file/agent.lock", Time);
        var sole = new SoleAgent(
            held,
            () => new EffectiveMode(AgentMode.Enforce, null) { Notice = "changed" }
        );

        sole.Begin();
        var mode = sole.Look();

        Assert.Equal(AgentMode.Enforce, mode.Mode);
        Assert.Null(mode.Message);
        Assert.StartsWith("changed; ", mode.Notice);
        Assert.EndsWith("a second agent would not be noticed", mode.Notice);
    }

    [Fact]
    public void Another_open_file_has_another_lock()
    {
        Assert.True(OwnFile.OpenToWrite(Path, out var one).IsSuccess);
        Assert.True(OwnFile.OpenToWrite(Path, out var other).IsSuccess);
        using (one)
        using (other)
        {
            Assert.True(FileLock.TryTake(one!).IsSuccess);
            Assert.True(FileLock.TryTake(one!).IsSuccess);
            Assert.Equal(Errno.EAGAIN, FileLock.TryTake(other!).Errno);
        }
    }
}
