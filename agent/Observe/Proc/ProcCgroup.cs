using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace PinAgent.Observe.Proc;

/// <summary>
/// <c>/proc/&lt;pid&gt;/cgroup</c>: one line per hierarchy, <c>3:cpuset:/kubepods/pod1/abc</c> for v1 and
/// <c>0::/kubepods/pod1/abc</c> for v2. Source: cgroups(7), <c>/proc/pid/cgroup</c>.
/// </summary>
internal static class ProcCgroup
{
    /// <summary>Finds a thread's cgroup in the hierarchy that has the cpusets.</summary>
    /// <param name="isV1">Whether to look for v1's cpuset hierarchy, or for v2's only one.</param>
    /// <param name="path">The path as the reader's cgroup namespace sees it.</param>
    /// <returns>False if there's no such line.</returns>
    public static bool TryParse(
        ReadOnlySpan<byte> content,
        bool isV1,
        [NotNullWhen(true)] out string? path
    )
    {
        path = null;
        foreach (var range in content.Split((byte)'\n'))
        {
            var line = content[range];
            var first = line.IndexOf((byte)':');
            var second = first < 0 ? -1 : first + 1 + line[(first + 1)..].IndexOf((byte)':');
            if (second <= first || second + 1 >= line.Length || line[second + 1] != (byte)'/')
            {
                continue;
            }

            var controllers = line[(first + 1)..second];
            if (isV1 ? Lists(controllers, "cpuset"u8) : controllers.IsEmpty)
            {
                path = Encoding.UTF8.GetString(line[(second + 1)..]);
                return true;
            }
        }

        return false;
    }

    private static bool Lists(ReadOnlySpan<byte> names, ReadOnlySpan<byte> name)
    {
        foreach (var range in names.Split((byte)','))
        {
            if (names[range].SequenceEqual(name))
            {
                return true;
            }
        }

        return false;
    }
}
