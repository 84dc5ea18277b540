using System.Globalization;
using PinAgent.Model.Cpu;

namespace PinAgent.Observe.Proc;

/// <summary>
/// <c>/proc/&lt;pid&gt;/status</c>: lines like <c>NSpid:	4711	77</c>. Source: proc_pid_status(5).
/// </summary>
internal static class ProcStatus
{
    /// <summary>The process's ids, from the outermost PID namespace this procfs shows to the process's own.</summary>
    public static bool TryParseNamespacePids(ReadOnlySpan<byte> content, out int[] pids)
    {
        pids = [];
        if (!TryFind(content, "NSpid:"u8, out var value))
        {
            return false;
        }

        var found = new List<int>();
        foreach (var part in value.SplitAny(" \t"u8))
        {
            if (value[part].IsEmpty)
            {
                continue;
            }

            if (
                !int.TryParse(
                    value[part],
                    NumberStyles.None,
                    CultureInfo.InvariantCulture,
                    out var pid
                )
            )
            {
                return false;
            }

            found.Add(pid);
        }

        pids = [.. found];
        return pids.Length > 0;
    }

    /// <summary>The CPUs the thread may run on: the line <c>Cpus_allowed_list:	0-3</c>.</summary>
    /// <param name="cpus">The CPUs; null if the file doesn't say.</param>
    public static bool TryParseAllowedCpus(ReadOnlySpan<byte> content, out CpuSet? cpus)
    {
        cpus = null;
        return TryFind(content, "Cpus_allowed_list:"u8, out var value)
            && CpuSet.TryParse(value, out cpus, out _);
    }

    /// <summary>Whether the process is root's: the line <c>Uid:	0	0	0	0</c>, of which each number counts.</summary>
    public static bool IsOfRoot(ReadOnlySpan<byte> content) =>
        TryFind(content, "Uid:"u8, out var value) && value.SequenceEqual("0\t0\t0\t0"u8);

    /// <summary>The effective capabilities, a bit each: the line <c>CapEff:	0000000000800000</c>.</summary>
    /// <param name="capabilities">The bits, numbered as in <c>linux/capability.h</c>.</param>
    public static bool TryParseCapabilities(ReadOnlySpan<byte> content, out ulong capabilities)
    {
        capabilities = 0;
        return TryFind(content, "CapEff:"u8, out var value)
            && ulong.TryParse(
                value,
                NumberStyles.AllowHexSpecifier,
                CultureInfo.InvariantCulture,
                out capabilities
            );
    }

    /// <summary>The rest of the line that begins so, without the white space around it.</summary>
    internal static bool TryFind(
        ReadOnlySpan<byte> content,
        ReadOnlySpan<byte> key,
        out ReadOnlySpan<byte> value
    )
    {
        foreach (var line in content.Split((byte)'\n'))
        {
            if (content[line].StartsWith(key))
            {
                value = content[line][key.Length..].Trim(" \t"u8);
                return true;
            }
        }

        value = default;
        return false;
    }
}
