using System.Globalization;

namespace PinAgent.Report.Proof;

/// <summary>A length of time for people: three digits, and the unit that fits.</summary>
internal static class DurationText
{
    public static string Of(double seconds)
    {
        var (number, unit) = seconds switch
        {
            < 0.9995e-6 => (seconds * 1e9, "ns"),
            < 0.9995e-3 => (seconds * 1e6, "µs"),
            < 0.9995 => (seconds * 1e3, "ms"),
            _ => (seconds, "s"),
        };
        var format = number switch
        {
            >= 99.95 => "0",
            >= 9.995 => "0.#",
            _ => "0.##",
        };
        return $"{number.ToString(format, CultureInfo.InvariantCulture)} {unit}";
    }
}
