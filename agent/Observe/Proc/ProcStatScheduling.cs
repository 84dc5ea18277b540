using System.Buffers.Text;
using PinAgent.Model.Vm;

namespace PinAgent.Observe.Proc;

/// <summary>
/// Fields 40 and 41 of <c>/proc/&lt;pid&gt;/task/&lt;tid&gt;/stat</c>, the real-time priority and the policy, counted as in
/// <see cref="ProcStat"/>. Source: proc_pid_stat(5).
/// </summary>
internal static class ProcStatScheduling
{
    private const int PriorityField = 37;
    private const int PolicyField = 38;

    /// <summary>Reads them; null for anything but a whole line.</summary>
    public static ThreadScheduling? TryParse(ReadOnlySpan<byte> content)
    {
        var close = content.LastIndexOf((byte)')');
        if (close < 0 || close + 2 >= content.Length)
        {
            return null;
        }

        var fields = content[(close + 2)..];
        var priority = -1;
        var index = 0;
        foreach (var range in fields.Split((byte)' '))
        {
            if (index == PriorityField && !TryParseNumber(fields[range], out priority))
            {
                return null;
            }

            // At the end of a line cut short, the number may be cut short too.
            if (index++ == PolicyField)
            {
                return
                    range.End.Value < fields.Length && TryParseNumber(fields[range], out var policy)
                    ? new ThreadScheduling((SchedulingPolicy)policy, priority)
                    : null;
            }
        }

        return null;
    }

    private static bool TryParseNumber(ReadOnlySpan<byte> text, out int number) =>
        Utf8Parser.TryParse(text, out number, out var length)
        && length == text.Length
        && number >= 0;
}
