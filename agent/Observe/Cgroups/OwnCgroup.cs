using System.Globalization;
using PinAgent.NativeInterop;
using PinAgent.Observe.Files;
using PinAgent.Observe.Proc;

namespace PinAgent.Observe.Cgroups;

/// <summary>
/// Searches the hierarchy for the agent's own cgroup: from a cgroup namespace of its own, the kernel doesn't say where it is,
/// and the cgroup that lists the agent is it. Level by level, so that what a tenant makes below its own comes after the agent's.
/// </summary>
/// <param name="folderOf">Where a cgroup is mounted.</param>
internal sealed class OwnCgroup(HostFiles files, Func<string, string> folderOf)
{
    private const int DeepestCgroup = 32;

    /// <summary>The path of the cgroup with this process; null if it isn't found.</summary>
    public string? Find(int pid)
    {
        if (Lists("", pid, out _))
        {
            return "/";
        }

        var names = new List<string>();
        var level = new List<string> { "" };
        var searched = 0;
        for (var depth = 0; depth < DeepestCgroup && level.Count > 0; depth++)
        {
            var below = new List<string>();
            foreach (var parent in level)
            {
                files.ListNames($"{folderOf(parent)}", names);
                foreach (var name in names)
                {
                    // Control files have a dot after the controller's name; cgroups made by systemd have one too.
                    var path = $"{parent}/{name}";
                    if (Lists(path, pid, out var isCgroup))
                    {
                        return path;
                    }

                    if (isCgroup && ++searched > Bounds.SearchedCgroups)
                    {
                        return null;
                    }

                    if (isCgroup)
                    {
                        below.Add(path);
                    }
                }
            }

            level = below;
        }

        return null;
    }

    /// <summary>The agent's path as the kernel tells it; null where that says nothing: it's the namespace's root.</summary>
    public static string? Told(HostFiles files, CgroupMount mount) =>
        files.Read($"/proc/{Environment.ProcessId}/cgroup", out var content).IsSuccess
        && ProcCgroup.TryParse(content, mount.IsV1, out var path)
        && path is not "/"
        && !path.StartsWith("/..", StringComparison.Ordinal)
            ? path
            : null;

    // The agent's has few processes; of one with many, the beginning does.
    private bool Lists(string path, int pid, out bool isCgroup)
    {
        var read = files.ReadPrefix(
            $"{folderOf(path)}/cgroup.procs",
            Bounds.File,
            out var pids,
            out _
        );
        isCgroup = read.Errno != Errno.ENOTDIR;
        foreach (var line in pids.Split((byte)'\n'))
        {
            if (
                int.TryParse(pids[line], CultureInfo.InvariantCulture, out var listed)
                && listed == pid
            )
            {
                return true;
            }
        }

        return false;
    }
}
