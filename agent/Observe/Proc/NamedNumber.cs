using System.Globalization;

namespace PinAgent.Observe.Proc;

/// <summary>
/// Files whose lines name a number: <c>nr_throttled 3</c> of <c>cpu.stat</c>, <c>nonvoluntary_ctxt_switches:	12</c> of
/// <c>/proc/&lt;pid&gt;/status</c>, <c>se.nr_migrations   :   167</c> of <c>/proc/&lt;pid&gt;/sched</c>.
/// </summary>
internal static class NamedNumber
{
    /// <summary>The number of this name; null if there is none.</summary>
    public static long? Find(string text, string name)
    {
        foreach (var line in text.Split('\n'))
        {
            if (
                line.StartsWith(name, StringComparison.Ordinal)
                && line[name.Length..].TrimStart(' ', '\t', ':') is { } rest
                && rest.Length < line.Length - name.Length
                && long.TryParse(rest.Trim(), CultureInfo.InvariantCulture, out var number)
            )
            {
                return number;
            }
        }

        return null;
    }
}
