using PinAgent.Observe.Files;
using PinAgent.Observe.Proc;

namespace PinAgent.Observe.Cgroups;

/// <summary>Where the agent itself is in the host's hierarchy.</summary>
internal static class OwnCgroup
{
    /// <summary>
    /// The cgroup that lists the agent: in a cgroup namespace of its own the kernel doesn't say where that is.
    /// </summary>
    /// <param name="files">The machine's files.</param>
    /// <param name="folderOf">A cgroup's folder.</param>
    /// <returns>Null where it's in none of those that are mounted.</returns>
    public static string? Search(HostFiles files, Func<string, string> folderOf) =>
        Search(files, folderOf, "", Environment.ProcessId, 0);

    /// <summary>The agent's path as the kernel tells it; null where that says nothing: it's the namespace's root.</summary>
    public static string? Told(HostFiles files, CgroupMount mount) =>
        files.Read($"/proc/{Environment.ProcessId}/cgroup", out var content).IsSuccess
        && ProcCgroup.TryParse(content, mount.IsV1, out var path)
        && path is not "/"
        && !path.StartsWith("/..", StringComparison.Ordinal)
            ? path
            : null;

    private static string? Search(
        HostFiles files,
        Func<string, string> folderOf,
        string path,
        int pid,
        int depth
    )
    {
        const int DeepestCgroup = 32;
        if (depth > DeepestCgroup)
        {
            return null;
        }

        var folder = folderOf(path);
        if (files.ReadText($"{folder}/cgroup.procs", out var pids).IsSuccess)
        {
            foreach (var line in pids.AsSpan().EnumerateLines())
            {
                if (int.TryParse(line, out var listed) && listed == pid)
                {
                    return path.Length == 0 ? "/" : path;
                }
            }
        }

        var names = new List<string>();
        files.ListNames($"{folder}", names);
        foreach (var name in names)
        {
            // Control files have a dot after the controller's name; cgroups made by systemd have one too.
            if (Search(files, folderOf, $"{path}/{name}", pid, depth + 1) is { } found)
            {
                return found;
            }
        }

        return null;
    }
}
