using System.Collections.Immutable;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using PinAgent.Model.Changes;
using PinAgent.Model.Cpu;
using PinAgent.Observe.Neighbours;
using PinAgent.Report.Changes;
using PinAgent.Report.Status;
using PinAgent.State;

namespace PinAgent.Report.Waits;

/// <summary>
/// Takes the samples, beside the passes: a late one harms nobody. Where a vCPU waits it sees who is in its way, seldom, and
/// tells log and history when a VM becomes slow.
/// </summary>
internal sealed partial class WaitSampler(
    WaitHistory waits,
    StatusStore store,
    TimeProvider time,
    HistoryFile history,
    CpuTakers takers,
    ILogger<WaitSampler> logger
) : BackgroundService
{
    /// <summary>
    /// Between two looks at who is in a vCPU's way: who is there for half a minute is seen. More where there are so many processes
    /// that a look takes long, so that it's no more than one part in <see cref="Parts"/> of a CPU, and only while a VM is slow.
    /// </summary>
    public static readonly TimeSpan Pause = TimeSpan.FromSeconds(10);

    private const int Parts = 200;

    private readonly WaitSpells _spells = new();
    private long? _looked;

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        Remember();
        using var timer = new PeriodicTimer(WaitHistory.Period, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                if (store.Current is { } current)
                {
                    waits.Sample(current.Status);
                    await JudgeAsync(current.Status, stoppingToken);
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            Tell(_spells.Stop());
        }
    }

    private async Task JudgeAsync(NodeStatus status, CancellationToken stop)
    {
        if (waits.IsCalm && !_spells.HasSlow)
        {
            return;
        }

        var now = time.GetUtcNow();
        var waiting = waits.Add(status);
        var picture = waits.Picture(WaitSpells.Turns);
        var cpus = WaitSpells.Contested(waiting);
        if (await LookAsync(cpus, stop))
        {
            waiting = waits.Add(status);
        }

        Tell(_spells.After(waiting, picture, now));
    }

    private async Task<bool> LookAsync(CpuSet cpus, CancellationToken stop)
    {
        var cost = takers.Cost * Parts;
        var pause = cost > Pause ? cost : Pause;
        if (cpus.IsEmpty || (_looked is { } at && time.GetElapsedTime(at) < pause))
        {
            return false;
        }

        _looked = time.GetTimestamp();
        waits.See(await takers.LookAsync(cpus, stop));
        return true;
    }

    // What the agent before this one has kept.
    private void Remember()
    {
        try
        {
            foreach (
                var change in history
                    .Read()
                    .Where(change =>
                        change.Kind is VmChangeKind.WaitBegun or VmChangeKind.WaitEnded
                    )
            )
            {
                waits.Tell(change);
            }
        }
        catch (StateException)
        {
            // The status has a notice of it.
        }

        waits.ForgetUnended();
    }

    private void Tell(ImmutableArray<VmChange> changes)
    {
        history.Add(changes);
        foreach (var change in changes)
        {
            waits.Tell(change);
            var (name, what) = ($"{change.Namespace}/{change.Name}", ChangeText.What(change));
            if (ChangeText.IsWarning(change))
            {
                LogWarning(name, change.Pid, what);
            }
            else
            {
                LogChange(name, change.Pid, what);
            }
        }
    }

    [LoggerMessage(13, LogLevel.Warning, "{Vm} (pid {Pid}): {What}")]
    private partial void LogWarning(string vm, int pid, string what);

    [LoggerMessage(14, LogLevel.Information, "{Vm} (pid {Pid}): {What}")]
    private partial void LogChange(string vm, int pid, string what);
}
