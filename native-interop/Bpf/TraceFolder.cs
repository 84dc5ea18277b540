using System.Globalization;

namespace PinAgent.NativeInterop.Bpf;

/// <summary>The kernel's list of tracepoints, and its source of probes.</summary>
/// <remarks><c>Documentation/trace/events.rst</c>, <c>Documentation/ABI/testing/sysfs-bus-event_source-devices-format</c>.</remarks>
internal static class TraceFolder
{
    private const string ProbeFolder = "/sys/bus/event_source/devices/kprobe";
    private const int LongestFile = 64 * 1024;

    /// <summary>Opens what a program is attached to.</summary>
    /// <param name="folders">Where tracefs may be.</param>
    /// <returns>Null, or why not.</returns>
    public static string? TryOpen(WatchHook hook, IEnumerable<string> folders, out int fd)
    {
        fd = -1;
        LinuxResult opened;
        if (hook.Kind == HookKind.Tracepoint)
        {
            var why = TryNumber(hook, folders, out var id);
            if (why is not null)
            {
                return why;
            }

            opened = BpfCalls.OpenTracepoint(id, out fd);
        }
        else
        {
            if (Probes() is not var (type, returnBit))
            {
                return "this kernel was built without probes (CONFIG_KPROBE_EVENTS)";
            }

            var config = hook.Kind == HookKind.Return ? 1UL << returnBit : 0;
            opened = BpfCalls.OpenProbe(type, config, hook.Target, out fd);
        }

        return opened.IsSuccess ? null
            : opened.Errno.MeansDenied()
                ? $"{hook.Target} can't be watched without CAP_PERFMON: {opened.Errno.Describe()}"
            : $"{hook.Target} can't be watched: {opened.Errno.Describe()}";
    }

    /// <summary>Where a field is in a tracepoint's record, by the record's description; null if it isn't there.</summary>
    public static int? OffsetOf(string format, string field)
    {
        foreach (var line in format.Split('\n'))
        {
            // "\tfield:char newcomm[16];\toffset:28;\tsize:16;\tsigned:0;"
            var parts = line.Trim().Split(';', StringSplitOptions.TrimEntries);
            if (
                parts.Length >= 2
                && parts[0].StartsWith("field:", StringComparison.Ordinal)
                && parts[0].Split('[')[0].Split(' ', '*')[^1] == field
                && parts[1].StartsWith("offset:", StringComparison.Ordinal)
                && int.TryParse(
                    parts[1]["offset:".Length..],
                    NumberStyles.None,
                    CultureInfo.InvariantCulture,
                    out var offset
                )
            )
            {
                return offset;
            }
        }

        return null;
    }

    private static string? TryNumber(WatchHook hook, IEnumerable<string> folders, out ulong id)
    {
        id = 0;
        var reason = "no tracefs";
        foreach (var folder in folders)
        {
            var events = Path.Combine(folder, "events");
            try
            {
                var text = Read(Path.Combine(events, hook.Target, "id"));
                var format = Read(Path.Combine(events, hook.Target, "format"));
                foreach (var (name, offset) in hook.Fields)
                {
                    if (OffsetOf(format, name) != offset)
                    {
                        return $"the record of the tracepoint {hook.Target} is another one in this kernel ({name})";
                    }
                }

                if (ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out id))
                {
                    return null;
                }

                reason = $"{hook.Target} has no number there";
            }
            catch (Exception missing)
                when (missing is FileNotFoundException or DirectoryNotFoundException)
            {
                reason = Directory.Exists(events)
                    ? $"this kernel has no tracepoint {hook.Target}"
                    : reason;
            }
            catch (Exception cannot) when (cannot is IOException or UnauthorizedAccessException)
            {
                reason = $"{folder} can't be read (root's, mode 700)";
            }
        }

        return $"{string.Join(" or ", folders)}: {reason}";
    }

    private static (uint Type, int ReturnBit)? Probes()
    {
        try
        {
            var bit = Read(Path.Combine(ProbeFolder, "format/retprobe"));
            return
                uint.TryParse(
                    Read(Path.Combine(ProbeFolder, "type")),
                    NumberStyles.None,
                    CultureInfo.InvariantCulture,
                    out var type
                )
                && bit.StartsWith("config:", StringComparison.Ordinal)
                && int.TryParse(
                    bit["config:".Length..],
                    NumberStyles.None,
                    CultureInfo.InvariantCulture,
                    out var number
                )
                && number < 64
                ? (type, number)
                : null;
        }
        catch (Exception cannot) when (cannot is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string Read(string path)
    {
        using var file = File.OpenRead(path);
        var bytes = new byte[LongestFile];
        var length = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        return System.Text.Encoding.ASCII.GetString(bytes.AsSpan(0, length)).Trim();
    }
}
