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
/// <param name="period">The longest time between the beginnings of two passes.</param>
/// <param name="store">Where each pass's result goes.</param>
/// <param name="history">Keeps what happened to the VMs.</param>
internal sealed partial class PinLoop(
    PinPass pass,
    TimeSpan period,
    PassRequests requests,
    StatusStore store,
    HistoryFile history,
    TimeProvider time,
    ILogger<PinLoop> logger,
    OwnThreads? own = null
) : BackgroundService
{
    private readonly ChangeQuota _quota = new();
    private readonly LookPace _pace = new(period);
    private readonly LookScopes _scopes = new();
    private ImmutableArray<string> _notices = [];
    private PassResult? _last;
    private bool _hasBegun;
    private DateTimeOffset _started;
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
            _started = time.GetUtcNow();
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
            history.Add([OfAgent(VmChangeKind.AgentStopped, time.GetUtcNow())]);
        }
    }

    private TimeSpan Now() => time.GetElapsedTime(0);

    // A machine that can't be read at the start is a mistake of the setting; later, it may pass.
    private void Look(PassScope scope, IReadOnlyList<NamedThread> named)
    {
        try
        {
            var began = time.GetTimestamp();
            scope = _scopes.Next(scope, requests.WasByTime, AreMasksTold, Now());
            var result = pass.Run(scope, named, requests.TakeNamed);
            var took = scope == PassScope.Named ? (TimeSpan?)null : time.GetElapsedTime(began);
            if (ReferenceEquals(result, _last))
            {
                store.Put(result.Status, new PassFigures(took, [], 0));
                Tell([]);
                return;
            }

            _last = result;
            store.Put(result.Status, PassFigures.Of(result, took));
            own?.MakeWay(result);
            Tell(result);
            _unreadable = "";
        }
        catch (InvalidDataException problem) when (_hasBegun)
        {
            Fail(problem.Message);
        }
        // A file that fails where nobody has foreseen it.
        catch (Exception problem)
            when (_hasBegun && problem is IOException or UnauthorizedAccessException)
        {
            Fail(FileProblem.DescribeWithPath(problem));
        }
    }

    private void Fail(string problem)
    {
        if (problem != _unreadable)
        {
            _unreadable = problem;
            LogUnreadable(problem);
        }

        _last = null;
    }

    // In a VM's first seconds nobody is hurried by events, and all looks.
    private bool AreMasksTold =>
        _events is { State: EventSourceState.Listening, Masks.State: not MaskSourceState.Looking }
        && !_pace.IsHurried(Now());

    private void Tell(PassResult result)
    {
        var isFirst = !_hasBegun;
        TellNode(result.Status);
        foreach (var change in result.Changes)
        {
            if (change is { Cause: ChangeCause.Met, IsDedicated: true, Key: { } vm })
            {
                _pace.Begin(vm, Now());
            }
        }

        Tell(
            isFirst
                ? result.Changes.Insert(0, OfAgent(VmChangeKind.AgentStarted, _started))
                : result.Changes
        );
    }

    // One line per change, and none for a pass that changed nothing.
    private void Tell(ImmutableArray<VmChange> changes)
    {
        changes = _quota.Take(changes, time.GetUtcNow());
        history.Add([.. changes.Where(change => change.IsDedicated && !IsOfStart(change))]);
        foreach (var change in changes)
        {
            Log(change);
        }
    }

    private static VmChange OfAgent(VmChangeKind kind, DateTimeOffset at) =>
        new()
        {
            At = at,
            Kind = kind,
            Cause = ChangeCause.Agent,
        };

    private void Log(VmChange change)
    {
        if (
            change.Kind is VmChangeKind.AgentStarted or VmChangeKind.AgentStopped
            || change.Reason == Reason.NotNamed
            || IsOfStart(change)
        )
        {
            return;
        }

        var what = ChangeText.What(change);
        if (change.Kind == VmChangeKind.Crowd)
        {
            LogNotice(what);
            return;
        }

        var name = $"{change.Namespace}/{change.Name}";
        if (ChangeText.IsWarning(change))
        {
            LogWarning(name, change.Pid, what);
        }
        else
        {
            LogChange(name, change.Pid, what);
        }
    }

    // Every VM starts: that its vCPUs aren't there yet is no news, nor is it that a QEMU ended before it had any.
    private static bool IsOfStart(VmChange change) => change.Reason == Reason.VcpuThreadsStarting;

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

            if (events.Source != _events?.Source)
            {
                LogSource(events.Source, EventText.Of(events));
            }

            _events = events;
        }

        foreach (var notice in status.Notices.Except(_notices))
        {
            LogNotice(notice);
        }

        _notices = status.Notices;
    }

    [LoggerMessage(
        1,
        LogLevel.Information,
        "Node {Node}, mode {Mode}: looking every {Seconds} s, until Ctrl-C or SIGTERM"
    )]
    private partial void LogBegun(string node, string mode, double seconds);

    [LoggerMessage(2, LogLevel.Warning, "{Vm} (pid {Pid}): {What}")]
    private partial void LogWarning(string vm, int pid, string what);

    [LoggerMessage(3, LogLevel.Information, "{Vm} (pid {Pid}): {What}")]
    private partial void LogChange(string vm, int pid, string what);

    [LoggerMessage(7, LogLevel.Information, "Stopping; every pin stays as it is")]
    private partial void LogStopping();

    [LoggerMessage(8, LogLevel.Warning, "{Notice}")]
    private partial void LogNotice(string notice);

    [LoggerMessage(9, LogLevel.Error, "This pass came to nothing, the pins stay: {Problem}")]
    private partial void LogUnreadable(string problem);

    [LoggerMessage(10, LogLevel.Information, "Mode {Mode} from now on, by the settings file")]
    private partial void LogModeChanged(string mode);

    [LoggerMessage(12, LogLevel.Information, "Events: {Source}: {What}")]
    private partial void LogSource(string source, string what);

    [LoggerMessage(
        11,
        LogLevel.Warning,
        "More threads were named at once than the kernel could tell of: everything was looked at"
    )]
    private partial void LogOverflow();
}
