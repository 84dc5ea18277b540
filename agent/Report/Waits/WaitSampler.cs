using Microsoft.Extensions.Hosting;
using PinAgent.Report.Status;

namespace PinAgent.Report.Waits;

/// <summary>Takes the samples, beside the passes: a late one harms nobody.</summary>
internal sealed class WaitSampler(WaitHistory history, StatusStore store, TimeProvider time)
    : BackgroundService
{
    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(WaitHistory.Period, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                if (store.Current is { } current)
                {
                    history.Sample(current.Status);
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // It goes with the agent.
        }
    }
}
