using System.Globalization;

namespace PinAgent.Model.Text;

/// <summary>Points in time for people, the same everywhere and never without their zone: <c>2026-03-14 10:11:53 UTC+1</c>.</summary>
internal static class Times
{
    private const string Second = "yyyy-MM-dd HH:mm:ss";

    /// <summary>In UTC, where the reader may be anywhere.</summary>
    public static string Utc(DateTimeOffset time) => Of(time.ToUniversalTime(), Second);

    /// <summary>In this machine's zone, for whoever sits in front of it.</summary>
    /// <param name="time">The time.</param>
    /// <param name="form">To the second unless something else is asked for.</param>
    public static string Local(DateTimeOffset time, string form = Second) =>
        Of(time.ToLocalTime(), form);

    /// <summary>By the clock that the time itself is of.</summary>
    public static string Of(DateTimeOffset time, string form) =>
        $"{time.ToString(form, CultureInfo.InvariantCulture)} {Zone(time.Offset)}";

    private static string Zone(TimeSpan offset) =>
        offset == TimeSpan.Zero
            ? "UTC"
            : $"UTC{(offset < TimeSpan.Zero ? '-' : '+')}{Math.Abs(offset.Hours)}"
                + (offset.Minutes == 0 ? "" : $":{Math.Abs(offset.Minutes):00}");
}
