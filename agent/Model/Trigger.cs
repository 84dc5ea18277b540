namespace PinAgent.Model;

/// <summary>"Something has changed", from anywhere to one who waits; what comes while nobody waits counts once.</summary>
internal sealed class Trigger
{
    private readonly Lock _lock = new();
    private TaskCompletionSource? _waits;
    private bool _isSet;

    /// <summary>Whether the one who waits has seen to every change there was.</summary>
    internal bool IsAtRest
    {
        get
        {
            lock (_lock)
            {
                return _waits is not null && !_isSet;
            }
        }
    }

    /// <summary>Something has changed.</summary>
    public void Set()
    {
        lock (_lock)
        {
            _isSet = true;
            _waits?.TrySetResult();
        }
    }

    /// <summary>Waits for a change, or returns at once if there was one since the last call.</summary>
    public async Task WaitAsync(CancellationToken stop)
    {
        // What is complete is waited for without a look at the token, and the change stays: it would never end.
        stop.ThrowIfCancellationRequested();
        Task change;
        lock (_lock)
        {
            _waits = new(TaskCreationOptions.RunContinuationsAsynchronously);
            change = _isSet ? Task.CompletedTask : _waits.Task;
        }

        try
        {
            await change.WaitAsync(stop);
        }
        finally
        {
            lock (_lock)
            {
                // Whoever gave up may not have seen it.
                _isSet &= stop.IsCancellationRequested;
                _waits = null;
            }
        }
    }
}
