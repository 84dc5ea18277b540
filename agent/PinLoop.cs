using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using PinAgent.Apply;
using PinAgent.Model;

namespace PinAgent;

/// <summary>
/// The one loop: a pass at once, one per period, and one whenever something has changed. It tells of what changed, and
/// leaves the pins in place when it stops.
/// </summary>
/// <param name="pass">The pass.</param>
/// <param name="period">The longest time between the beginnings of two passes.</param>
/// <param name="trigger">Something has changed.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">The log.</param>
public sealed partial class PinLoop(
    PinPass pass,
    TimeSpan period,
    Trigger trigger,
    TimeProvider time,
    ILogger<PinLoop> logger
) : BackgroundService
{
    private readonly Dictionary<VmKey, (VmState State, Reason? Reason)> _told = [];

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await using var timer = time.CreateTimer(_ => trigger.Set(), null, period, period);
        try
        {
            while (true)
            {
                Tell(pass.Run());
                await trigger.WaitAsync(stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            LogStopping();
        }
    }

    // One line per decision that changed something, and none for a pass that changed nothing.
    private void Tell(PassResult result)
    {
        foreach (var vm in result.Vms)
        {
            var (status, key) = (vm.Status, vm.Outcome.Plan.Vm.Key);
            var changes = string.Join(
                ", ",
                vm.Outcome.Threads.Where(thread => thread.IsChange).Select(Describe)
            );
            if (changes.Length > 0 && vm.WasHeld)
            {
                LogRepaired(status.Namespace, status.Name, status.Pid, changes);
            }
            else if (changes.Length > 0)
            {
                LogPlaced(status.Namespace, status.Name, status.Pid, changes);
            }

            var standing = (status.State, status.Reason);
            if (!_told.TryGetValue(key, out var told) || told != standing)
            {
                _told[key] = standing;
                TellStanding(status);
            }
        }

        var alive = result.Vms.Select(vm => vm.Outcome.Plan.Vm.Key).ToHashSet();
        foreach (var gone in _told.Keys.Where(key => !alive.Contains(key)).ToList())
        {
            _told.Remove(gone);
            LogGone(gone.Pid);
        }
    }

    private void TellStanding(Report.VmStatus status)
    {
        switch (status.State)
        {
            case VmState.Pinned:
                LogPinned(status.Namespace, status.Name, status.Pid, status.Cpuset);
                break;
            case VmState.NotDedicated:
                LogLeftAlone(status.Namespace, status.Name, status.Pid, status.Message);
                break;
            default:
                LogNotPinned(
                    status.Namespace,
                    status.Name,
                    status.Pid,
                    status.State,
                    status.Reason,
                    status.Message
                );
                break;
        }
    }

    private static string Describe(PinOutcome outcome)
    {
        var thread = outcome.Planned.Thread;
        var who = thread.Index is { } index
            ? $"{thread.Role.ToWord()} {index}"
            : thread.Role.ToWord();
        return $"{who} ({thread.Tid}) from {thread.Affinity} to {outcome.Actual}";
    }

    [LoggerMessage(1, LogLevel.Information, "{Namespace}/{Vm} (pid {Pid}): placed {Changes}")]
    private partial void LogPlaced(string @namespace, string vm, int pid, string changes);

    [LoggerMessage(2, LogLevel.Warning, "{Namespace}/{Vm} (pid {Pid}): repaired {Changes}")]
    private partial void LogRepaired(string @namespace, string vm, int pid, string changes);

    [LoggerMessage(
        3,
        LogLevel.Information,
        "{Namespace}/{Vm} (pid {Pid}): pinned within CPUs {Cpuset}"
    )]
    private partial void LogPinned(string @namespace, string vm, int pid, string? cpuset);

    [LoggerMessage(4, LogLevel.Information, "{Namespace}/{Vm} (pid {Pid}): left alone: {Reason}")]
    private partial void LogLeftAlone(string @namespace, string vm, int pid, string? reason);

    [LoggerMessage(
        5,
        LogLevel.Warning,
        "{Namespace}/{Vm} (pid {Pid}): {State}, {Reason}: {Message}"
    )]
    private partial void LogNotPinned(
        string @namespace,
        string vm,
        int pid,
        VmState state,
        Reason? reason,
        string? message
    );

    [LoggerMessage(6, LogLevel.Information, "pid {Pid}: the VM has ended")]
    private partial void LogGone(int pid);

    [LoggerMessage(7, LogLevel.Information, "Stopping; every pin stays as it is")]
    private partial void LogStopping();
}
