using System.Collections.Immutable;
using System.Text;

namespace PinAgent.Observe.Proc;

/// <summary>One mounted cgroup hierarchy.</summary>
/// <param name="MountPoint">Where it's mounted, in the observed machine's file tree.</param>
/// <param name="Root">Which of its cgroups is mounted there; <c>/</c> is all of it.</param>
/// <param name="IsV1">Whether it's a v1 hierarchy with the cpuset controller, rather than v2's.</param>
internal sealed record CgroupMount(string MountPoint, string Root, bool IsV1);

/// <summary>
/// <c>/proc/&lt;pid&gt;/mountinfo</c>: lines like
/// <c>34 28 0:30 / /sys/fs/cgroup/cpuset rw,relatime shared:15 - cgroup cgroup rw,cpuset</c>.
/// Source: proc_pid_mountinfo(5).
/// </summary>
internal static class MountInfo
{
    /// <summary>The cgroup hierarchies that can hold cpusets: v2's, and v1's with the cpuset controller.</summary>
    public static ImmutableArray<CgroupMount> ParseCgroups(ReadOnlySpan<byte> content)
    {
        var mounts = ImmutableArray.CreateBuilder<CgroupMount>();
        foreach (var line in content.Split((byte)'\n'))
        {
            if (
                content[line].IndexOf(" - cgroup"u8) >= 0
                && Parse(Encoding.UTF8.GetString(content[line])) is { } mount
            )
            {
                mounts.Add(mount);
            }
        }

        return mounts.ToImmutable();
    }

    /// <summary>The option <c>hidepid</c> of the <c>/proc</c> that is mounted; null without it.</summary>
    public static string? FindHidePid(ReadOnlySpan<byte> content)
    {
        const string Option = "hidepid=";
        return Encoding
            .UTF8.GetString(content)
            .Split('\n')
            .Where(line =>
                line.Contains(" /proc ", StringComparison.Ordinal)
                && line.Contains(" - proc ", StringComparison.Ordinal)
            )
            .SelectMany(line => line.Split(' ')[^1].Split(','))
            .Where(option => option.StartsWith(Option, StringComparison.Ordinal))
            .Select(option => option[Option.Length..])
            .LastOrDefault();
    }

    private static CgroupMount? Parse(string line)
    {
        // After the mount options come any number of optional fields, ended by a lone dash.
        var fields = line.Split(' ');
        var dash = Array.IndexOf(fields, "-", Math.Min(6, fields.Length));
        if (dash < 0 || dash + 3 >= fields.Length)
        {
            return null;
        }

        var (type, superOptions) = (fields[dash + 1], fields[dash + 3]);
        var isV1 = type == "cgroup" && superOptions.Split(',').Contains("cpuset");
        return isV1 || type == "cgroup2"
            ? new CgroupMount(
                Unescape(fields[4], Encoding.UTF8),
                Unescape(fields[3], Encoding.UTF8),
                isV1
            )
            : null;
    }

    /// <summary>A path as it is: blanks and backslashes in names are written as octal, <c>\040</c>.</summary>
    /// <param name="encoding">That by which the text was made of bytes.</param>
    public static string Unescape(string text, Encoding encoding)
    {
        if (!text.Contains('\\'))
        {
            return text;
        }

        var escaped = encoding.GetBytes(text);
        var bytes = new List<byte>(escaped.Length);
        for (var i = 0; i < escaped.Length; i++)
        {
            if (
                escaped[i] == (byte)'\\'
                && i + 3 < escaped.Length
                && escaped.AsSpan(i + 1, 3).IndexOfAnyExceptInRange((byte)'0', (byte)'7') < 0
            )
            {
                var octal = escaped.AsSpan(i + 1, 3);
                bytes.Add(
                    (byte)(((octal[0] - '0') * 64) + ((octal[1] - '0') * 8) + (octal[2] - '0'))
                );
                i += 3;
            }
            else
            {
                bytes.Add(escaped[i]);
            }
        }

        return encoding.GetString([.. bytes]);
    }
}
