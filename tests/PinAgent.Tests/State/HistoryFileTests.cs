using PinAgent.Model.Changes;
using PinAgent.Model.Vm;
using PinAgent.State;
using Xunit;

namespace PinAgent.Tests.State;

/// <summary>The flight recorder's files.</summary>
public sealed class HistoryFileTests : IDisposable
{
    private const int Limit = 2000;

    private readonly string _folder = Directory.CreateTempSubdirectory("history-").FullName;

    private string Path => $"{_folder}/changes.jsonl";

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void It_stays_within_its_bounds_and_keeps_the_newest()
    {
        var history = new HistoryFile(Path, Limit);
        for (var pid = 1; pid <= 100; pid++)
        {
            history.Add([Change(pid)]);
        }

        var kept = new HistoryFile(Path, Limit).Read().Select(change => change.Pid).ToList();
        Assert.Equal(100, kept[^1]);
        Assert.Equal(Enumerable.Range(kept[0], kept.Count), kept);
        Assert.InRange(
            new DirectoryInfo(_folder).EnumerateFiles().Sum(file => file.Length),
            Limit / 2,
            2 * Limit
        );
    }

    [Fact]
    public void Half_a_line_and_lines_of_another_version_cost_only_themselves()
    {
        var history = new HistoryFile(Path);
        history.Add([Change(1)]);
        File.AppendAllText(
            Path,
            """
            {"version":1,"pid":7}
            {"version":2,"at":"2026-01-01T00:00:00Z","nam
            """
        );
        history.Add([Change(2)]);

        Assert.Equal([1, 2], history.Read().Select(change => change.Pid));
    }

    [Fact]
    public void A_folder_that_cant_be_written_is_said_and_hinders_nothing()
    {
        File.WriteAllText($"{_folder}/file", "");
        var history = new HistoryFile($"{_folder}/file/changes.jsonl");

        history.Add([Change(1)]);

        Assert.Contains("can't be written", history.Problem, StringComparison.Ordinal);
        Assert.Empty(history.Read());
    }

    private static VmChange Change(int pid) =>
        new()
        {
            At = DateTimeOffset.UnixEpoch,
            Namespace = "default",
            Name = "vm1",
            Pid = pid,
            Kind = VmChangeKind.Repaired,
            Cause = ChangeCause.MasksSet,
            State = VmState.Pinned,
            Threads = [new ChangedThread(pid, ThreadRole.Vcpu, 0, "0-1", "0")],
        };
}
