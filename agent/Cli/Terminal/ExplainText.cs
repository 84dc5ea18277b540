using System.Collections.Immutable;
using System.Globalization;
using PinAgent.Apply;
using PinAgent.Model.Changes;
using PinAgent.Model.Vm;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace PinAgent.Cli.Terminal;

/// <summary>Tells a VM's history in words.</summary>
internal static class ExplainText
{
    public static IRenderable Render(ImmutableArray<RecordedChange> changes)
    {
        var lines = new List<IRenderable>();
        foreach (var change in changes)
        {
            lines.Add(
                new Text(
                    $"{change.At.ToLocalTime().ToString("yyyy-MM-dd HH:mm:ss.fff", CultureInfo.InvariantCulture)}  "
                        + $"{change.Namespace}/{change.Name} (pid {change.Pid})  {State(change)}"
                )
            );
            lines.Add(new Text($"    {Why(change)}"));
            if (Who(change.Cause) is { } who)
            {
                lines.Add(new Text($"    likely: {who}"));
            }

            lines.AddRange(change.Threads.Select(thread => new Text($"    {Thread(thread)}")));
            if (change.UnpinnedSecondsAtMost is { } seconds)
            {
                lines.Add(
                    new Text(
                        string.Create(
                            CultureInfo.InvariantCulture,
                            $"    off its CPUs for at most {seconds:0.###} s"
                        )
                    )
                );
            }
        }

        return new Rows(lines);
    }

    private static string State(RecordedChange change) =>
        change.Cause == ChangeCause.Ended ? "ended"
        : change.Reason is { } reason ? $"{change.State}, {reason}: {change.Message}"
        : $"{change.State}";

    private static string Why(RecordedChange change) =>
        change.Cause switch
        {
            ChangeCause.Met => $"met for the first time by this agent, with CPUs {change.Cpuset}",
            ChangeCause.Begun => "what kept it from being pinned is gone",
            ChangeCause.CpusetChanged =>
                $"its cpuset changed from {change.CpusetBefore ?? "another"} to {change.Cpuset}",
            ChangeCause.OnlineCpusChanged =>
                $"CPUs of the node went offline or came back; its CPUs are {change.Cpuset} now",
            ChangeCause.ThreadsMoved => "threads were moved to another cgroup",
            ChangeCause.MasksReset => "threads had all CPUs of their cgroup again",
            ChangeCause.MasksSet => "somebody had set other masks",
            ChangeCause.PrioritiesSet => "somebody had taken real-time priorities away",
            ChangeCause.Adopted => change.Message ?? "another program's placement was adopted",
            ChangeCause.GaveWay => "another program undid the pins each time",
            ChangeCause.NewThreads => "new threads had the CPUs of those that made them",
            ChangeCause.StateChanged => "no mask was changed",
            ChangeCause.Ended => "its process is gone",
            _ => throw new ArgumentOutOfRangeException(
                nameof(change),
                change.Cause,
                "unknown cause"
            ),
        };

    private static string? Who(ChangeCause cause) =>
        cause switch
        {
            ChangeCause.CpusetChanged =>
                "the kubelet (a restart, a resize) or the container runtime",
            ChangeCause.ThreadsMoved =>
                "virt-handler (its cgroup housekeeping), or an administrator",
            ChangeCause.MasksReset =>
                "a write to the cpuset by kubelet, container runtime or systemd (daemon-reload); before Linux 6.2 that resets "
                    + "masks",
            ChangeCause.PrioritiesSet => "chrt, or a tuning daemon",
            ChangeCause.MasksSet => "libvirt (vcpupin), taskset, or a tuning daemon",
            _ => null,
        };

    private static string Thread(RecordedThread thread) =>
        PinOutcome.DescribeChange(
            VmThread.NameOf(thread.Role, thread.Index, thread.Tid),
            thread.To is null ? null : $"from {thread.From} to {thread.To}",
            thread.PriorityTo is null ? null : $"from {thread.PriorityFrom} to {thread.PriorityTo}"
        );
}
