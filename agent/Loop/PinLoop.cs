using System.Collections.Immutable;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using PinAgent.Model.Changes;
using PinAgent.Model.Node;
using PinAgent.Model.Text;
using PinAgent.Model.Vm;
using PinAgent.NativeInterop;
using PinAgent.Observe.Events;
using PinAgent.Report;
using PinAgent.Report.Changes;
using PinAgent.Report.Metrics;
using PinAgent.Report.Status;
using PinAgent.State;

namespace PinAgent.Loop;

/// <summary>
/// The one loop: a pass at once, one per period, and one whenever something has changed. It tells of what changed, and
/// leaves the pins in place when it stops.
/// </summary>
/// <param name="pass">The pass.</param>
/// <param name="period">The longest time between the beginnings of two passes.</param>
/// <param name="requests">What it's asked for.</param>
/// <param name="store">Where each pass's result goes.</param>
/// <param name="history">Keeps what happened to the VMs.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">The log.</param>
internal sealed partial class PinLoop(
    PinPass pass,
    TimeSpan period,
    PassRequests requests,
    StatusStore store,
    HistoryFile history,
    TimeProvider time,
    ILogger<PinLoop> logger
) : BackgroundService
{
    /// <summary>The longest time between two looks at every process, where the loop's period isn't longer.</summary>
    public static readonly TimeSpan WholeLookPeriod = TimeSpan.FromSeconds(60);

    private readonly Dictionary<VmKey, Told> _told = [];
    private readonly ChangeDetector _changes = new();
    private readonly LookPace _pace = new(period);
    private ImmutableArray<string> _notices = [];
    private PassResult? _last;
    private long? _lookedAtEverything;
    private bool _hasBegun;
    private EventSource? _events;
    private AgentMode _mode;
    private string? _modeMessage;
    private string _unreadable = "";

    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        // A thread of its own, for its priority is its own.
        Task.Factory.StartNew(
            () => Run(stoppingToken),
            stoppingToken,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default
        );

    // New threads are many and run where we want to run: what pins them goes before them. A look at the whole node takes
    // longer and waits its turn.
    private void Run(CancellationToken stop)
    {
        try
        {
            IReadOnlyList<NamedThread> named = [];
            var scope = PassScope.Everything;
            var looked = Now();
            while (true)
            {
                Look(scope, named);
                _ = SchedPriority.Raise();
                scope = requests.Wait(_pace.Left(looked, Now()), stop, out named);
                if (scope != PassScope.Named)
                {
                    looked = Now();
                    SchedPriority.Reset();
                }
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            LogStopping();
        }
    }

    private TimeSpan Now() => time.GetElapsedTime(0);

    // A machine that can't be read at the start is a mistake of the setting; later, it may pass.
    private void Look(PassScope scope, IReadOnlyList<NamedThread> named)
    {
        try
        {
            var began = time.GetTimestamp();
            var result = Pass(scope, named, began);
            var took = scope == PassScope.Named ? (TimeSpan?)null : time.GetElapsedTime(began);
            if (ReferenceEquals(result, _last))
            {
                _changes.Still(time.GetUtcNow());
                store.Put(result.Status, new PassFigures(took, [], 0));
                return;
            }

            _last = result;
            var changes = _changes.After(result, time.GetUtcNow());
            store.Put(
                result.Status,
                new PassFigures(
                    took,
                    result.PinTimes,
                    changes
                        .Where(change => change.Cause == ChangeCause.MasksSet)
                        .Sum(change => change.Threads.Length)
                )
            );
            history.Add(changes);
            Tell(result);
            _unreadable = "";
        }
        catch (InvalidDataException problem) when (_hasBegun)
        {
            if (problem.Message != _unreadable)
            {
                _unreadable = problem.Message;
                LogUnreadable(problem.Message);
            }

            _last = null;
        }
    }

    // What nothing shows, a thread that was given another name say, is seen once in a while.
    private PassResult Pass(PassScope scope, IReadOnlyList<NamedThread> named, long now)
    {
        if (
            scope == PassScope.Changes
            && (
                _lookedAtEverything is not { } last
                || time.GetElapsedTime(last, now) >= WholeLookPeriod
            )
        )
        {
            scope = PassScope.Everything;
        }

        if (scope == PassScope.Everything)
        {
            _lookedAtEverything = now;
        }

        return pass.Run(scope, named, requests.TakeNamed);
    }

    // One line per decision that changed something, and none for a pass that changed nothing.
    private void Tell(PassResult result)
    {
        TellNode(result.Status);
        foreach (var vm in result.Vms)
        {
            TellVm(vm);
        }

        var alive = result.Vms.Select(vm => vm.Outcome.Plan.Vm.Key).ToHashSet();
        foreach (var gone in _told.Keys.Where(key => !alive.Contains(key)).ToList())
        {
            _told.Remove(gone, out var told);
            if (told.Reason != Reason.NotNamed)
            {
                LogGone(told.Name, gone.Pid);
            }
        }
    }

    private void TellNode(NodeStatus status)
    {
        var mode = status.Mode == AgentMode.Audit ? "audit, nothing is changed" : "enforce";
        if (!_hasBegun)
        {
            _hasBegun = true;
            LogBegun(status.Node, mode, period.TotalSeconds);
        }
        else if (status.Mode != _mode)
        {
            LogModeChanged(mode);
        }

        if (status.ModeMessage is { } why && why != _modeMessage)
        {
            LogNotice(why);
        }

        (_mode, _modeMessage) = (status.Mode, status.ModeMessage);

        if (status.Events is { } events)
        {
            if (events.Overflows > (_events?.Overflows ?? 0))
            {
                LogOverflow();
            }

            _events = events;
        }

        foreach (var notice in status.Notices.Except(_notices))
        {
            LogNotice(notice);
        }

        _notices = status.Notices;
    }

    private void TellVm(VmPassResult vm)
    {
        var (status, key) = (vm.Status, vm.Outcome.Plan.Vm.Key);
        var name = $"{status.Namespace}/{status.Name}";
        var changes = vm.Outcome.DescribeChanges();
        if (vm.IsRepair)
        {
            LogRepaired(name, key.Pid, changes);
            changes = "";
        }

        if (vm.Outcome.Plan.Adopted is { } adopted)
        {
            LogAdopted(name, key.Pid, Words.Printable(adopted));
        }

        var told = new Told(name, status.State, status.Reason, status.Cpuset);
        var isKnown = _told.TryGetValue(key, out var before);
        if (!isKnown && vm.Outcome.Plan.Dedicated)
        {
            _pace.Begin(Now());
        }

        if (changes.Length == 0 && isKnown && before == told)
        {
            return;
        }

        _told[key] = told;
        switch (status.State)
        {
            case VmState.Pinned:
                LogPinned(name, key.Pid, status.Cpuset, changes.Length > 0 ? $": {changes}" : "");
                break;
            case VmState.NotDedicated when status.Reason == Reason.NotNamed:
                break;
            case VmState.NotDedicated:
                LogLeftAlone(name, key.Pid, status.Message);
                break;
            default:
                LogNotPinned(name, key.Pid, status.State, status.Reason, status.Message);
                break;
        }
    }

    [LoggerMessage(
        1,
        LogLevel.Information,
        "Node {Node}, mode {Mode}: looking every {Seconds} s, until Ctrl-C or SIGTERM"
    )]
    private partial void LogBegun(string node, string mode, double seconds);

    [LoggerMessage(2, LogLevel.Warning, "{Vm} (pid {Pid}): repaired {Changes}")]
    private partial void LogRepaired(string vm, int pid, string changes);

    [LoggerMessage(
        3,
        LogLevel.Information,
        "{Vm} (pid {Pid}): pinned within CPUs {Cpuset}{Changes}"
    )]
    private partial void LogPinned(string vm, int pid, string? cpuset, string changes);

    [LoggerMessage(4, LogLevel.Information, "{Vm} (pid {Pid}): left alone: {Message}")]
    private partial void LogLeftAlone(string vm, int pid, string? message);

    [LoggerMessage(5, LogLevel.Warning, "{Vm} (pid {Pid}): {State}, {Reason}: {Message}")]
    private partial void LogNotPinned(
        string vm,
        int pid,
        VmState state,
        Reason? reason,
        string? message
    );

    [LoggerMessage(6, LogLevel.Information, "{Vm} (pid {Pid}): ended")]
    private partial void LogGone(string vm, int pid);

    [LoggerMessage(7, LogLevel.Information, "Stopping; every pin stays as it is")]
    private partial void LogStopping();

    [LoggerMessage(8, LogLevel.Warning, "{Notice}")]
    private partial void LogNotice(string notice);

    [LoggerMessage(9, LogLevel.Error, "This pass came to nothing, the pins stay: {Problem}")]
    private partial void LogUnreadable(string problem);

    [LoggerMessage(10, LogLevel.Information, "Mode {Mode} from now on, by the settings file")]
    private partial void LogModeChanged(string mode);

    [LoggerMessage(
        11,
        LogLevel.Warning,
        "More threads were named at once than the kernel could tell of: everything was looked at"
    )]
    private partial void LogOverflow();

    [LoggerMessage(12, LogLevel.Warning, "{Vm} (pid {Pid}): {Adopted}")]
    private partial void LogAdopted(string vm, int pid, string adopted);

    /// <summary>What was last told of a VM.</summary>
    private readonly record struct Told(string Name, VmState State, Reason? Reason, string? Cpuset);
}
