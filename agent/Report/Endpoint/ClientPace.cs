using PinAgent.Model;

namespace PinAgent.Report.Endpoint;

/// <summary>
/// How fast clients are served: so much at once, and so much a second in the long run. Who asks without end is served slower,
/// and costs no more CPU. Pure but for the clock.
/// </summary>
/// <param name="burst">How much at once.</param>
/// <param name="perSecond">How much a second.</param>
internal sealed class ClientPace(double burst, double perSecond, TimeProvider time)
{
    // Making and sending so many bytes costs about as much as one more request.
    private const double Unit = 256 * 1024;

    private readonly Lock _lock = new();
    private readonly Bucket _bucket = new(burst, perSecond);
    private readonly long _begun = time.GetTimestamp();

    // When nothing is owed any more.
    private TimeSpan _evenAt;

    /// <summary>Takes so much, and tells how long to wait before it may be used; zero where it may be at once.</summary>
    public TimeSpan Take(double amount)
    {
        lock (_lock)
        {
            var now = time.GetElapsedTime(_begun);
            var wait = _bucket.Left(_evenAt, now);
            _evenAt = _bucket.After(_evenAt, now, amount);
            return wait > TimeSpan.Zero ? wait : TimeSpan.Zero;
        }
    }

    /// <summary>An answer of so many bytes was made, whether or not it's read: whoever comes next waits for it.</summary>
    public void Rendered(int bytes) => _ = Take(bytes / Unit);

    /// <summary>Takes so much, and waits until it may be used.</summary>
    public async ValueTask WaitAsync(double amount, CancellationToken stop)
    {
        var wait = Take(amount);
        if (wait > TimeSpan.Zero)
        {
            await Task.Delay(wait, time, stop);
        }
    }
}
