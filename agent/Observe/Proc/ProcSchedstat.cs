using System.Buffers.Text;

namespace PinAgent.Observe.Proc;

/// <summary>
/// <c>/proc/&lt;tid&gt;/schedstat</c>: <c>2301758 114532 57</c>. The second number is how long the thread has waited on a
/// run queue, ready to run while something else ran on its CPU, in nanoseconds since its start.
/// Source: the kernel's <c>Documentation/scheduler/sched-stats.rst</c>, <c>proc_pid_schedstat()</c>.
/// </summary>
internal static class ProcSchedstat
{
    /// <summary>Reads the run-queue wait in nanoseconds; null for anything but such a line.</summary>
    public static ulong? TryParseRunDelay(ReadOnlySpan<byte> content)
    {
        var space = content.IndexOf((byte)' ');
        return
            space > 0
            && Utf8Parser.TryParse(content[(space + 1)..], out ulong delay, out var length)
            && content[(space + 1 + length)..] is [(byte)' ', ..]
            ? delay
            : null;
    }
}
