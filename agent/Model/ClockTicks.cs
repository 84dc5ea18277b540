namespace PinAgent.Model;

/// <summary>The unit of times in <c>/proc</c>.</summary>
internal static class ClockTicks
{
    /// <summary>USER_HZ, which is 100 on every architecture we run on: time(7).</summary>
    public const double PerSecond = 100;
}
