namespace PinAgent.Tests.Loop;

/// <summary>A clock that stands still, or runs on by so much each time somebody looks.</summary>
internal sealed class Clock : TimeProvider
{
    private long _ticks = TimeSpan.FromHours(1).Ticks;

    public TimeSpan Runs { get; set; }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public void Advance(TimeSpan time) => _ticks += time.Ticks;

    public override long GetTimestamp() => _ticks += Runs.Ticks;
}
