using System.Globalization;

namespace PinAgent.HostTests.Harness;

/// <summary>
/// A cgroup of the test's own with a cpuset, in whichever hierarchy the machine has. Ends what is left in it and
/// removes it when disposed, and its parents that the test made.
/// </summary>
internal sealed class Cpuset : IDisposable
{
    private const string V1 = "/sys/fs/cgroup/cpuset";
    private const string V2 = "/sys/fs/cgroup";

    private readonly List<string> _made = [];

    /// <summary>Makes a cgroup.</summary>
    /// <param name="path">Its path in the hierarchy; missing parents are made, with every CPU.</param>
    /// <param name="cpus">Its CPUs; null to inherit them.</param>
    public Cpuset(string path, string? cpus)
    {
        Path = path;
        var folder = Root;
        var parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        for (var i = 0; i < parts.Length; i++)
        {
            if (!IsV1)
            {
                File.WriteAllText($"{folder}/cgroup.subtree_control", "+cpuset");
            }

            folder = $"{folder}/{parts[i]}";
            if (!Directory.Exists(folder))
            {
                Directory.CreateDirectory(folder);
                _made.Add(folder);
                if (IsV1)
                {
                    Inherit(folder, "cpuset.mems");
                    Inherit(folder, "cpuset.cpus");
                }
            }
        }

        Folder = folder;
        if (cpus is not null)
        {
            File.WriteAllText($"{folder}/cpuset.cpus", cpus);
        }
    }

    /// <summary>Whether the machine has a hierarchy with cpusets that we may write.</summary>
    public static bool IsAvailable => IsV1 || File.Exists($"{V2}/cgroup.subtree_control");

    /// <summary>Whether that is v1's.</summary>
    public static bool IsV1 => File.Exists($"{V1}/cpuset.cpus");

    /// <summary>The path in the hierarchy.</summary>
    public string Path { get; }

    /// <summary>The folder.</summary>
    public string Folder { get; }

    private static string Root => IsV1 ? V1 : V2;

    /// <summary>A path as the kubelet's cgroupfs driver makes it, unique to this test.</summary>
    public static string PodPath(out string podUid, out string containerId)
    {
        podUid = Guid.NewGuid().ToString();
        containerId = NewContainerId();
        return PodPath(podUid, containerId);
    }

    /// <summary>The path of a container of a pod that the API server has named.</summary>
    public static string PodPath(string podUid, string containerId) =>
        $"/kubepods/pod{podUid}/{containerId}";

    /// <summary>The cgroup folder of a process, in the hierarchy that has cpusets.</summary>
    public static string FolderOf(int pid) =>
        Root
        + File.ReadLines($"/proc/{pid}/cgroup")
            .Select(line => line.Split(':', 3))
            .First(fields => fields[1] == (IsV1 ? "cpuset" : ""))[2];

    /// <summary>An id as container runtimes make them.</summary>
    public static string NewContainerId() => $"{Guid.NewGuid():N}{Guid.NewGuid():N}";

    /// <summary>Gives the cgroup other CPUs.</summary>
    public void Write(string cpus) => File.WriteAllText($"{Folder}/cpuset.cpus", cpus);

    /// <summary>
    /// Gives the cgroup CPUs that have come back from being offline: in version 1 each of its parents has lost them, too,
    /// whether this test made it or found it.
    /// </summary>
    public void WriteAgain(string cpus)
    {
        if (IsV1)
        {
            var parents = Path.Split('/', StringSplitOptions.RemoveEmptyEntries).SkipLast(1);
            var folder = Root;
            foreach (var parent in parents)
            {
                folder = $"{folder}/{parent}";
                Inherit(folder, "cpuset.cpus");
            }

            Write(cpus);
        }
    }

    /// <summary>
    /// Makes a child of this cgroup and moves threads into it, as virt-handler does with <c>housekeeping</c>.
    /// </summary>
    public void AddThreadedChild(string name, string cpus, IEnumerable<int> tids)
    {
        var child = $"{Folder}/{name}";
        Directory.CreateDirectory(child);
        _made.Add(child);
        if (IsV1)
        {
            Inherit(child, "cpuset.mems");
        }
        else
        {
            // Threaded first: a cgroup that has processes can't pass controllers on to a child that isn't.
            File.WriteAllText($"{child}/cgroup.type", "threaded");
            File.WriteAllText($"{Folder}/cgroup.subtree_control", "+cpuset");
        }

        WriteChild(name, cpus);
        MoveToChild(name, tids);
    }

    /// <summary>Gives a child of this cgroup other CPUs.</summary>
    public void WriteChild(string name, string cpus) =>
        File.WriteAllText($"{Folder}/{name}/cpuset.cpus", cpus);

    /// <summary>Moves threads into a child of this cgroup.</summary>
    public void MoveToChild(string name, IEnumerable<int> tids)
    {
        foreach (var tid in tids)
        {
            File.WriteAllText($"{Folder}/{name}/{(IsV1 ? "tasks" : "cgroup.threads")}", $"{tid}");
        }
    }

    public void Dispose()
    {
        // Deepest first. A process that has just been ended may still be leaving.
        foreach (var folder in Enumerable.Reverse(_made))
        {
            foreach (var pid in Pids(folder))
            {
                Processes.End(pid);
            }

            if (Directory.Exists(folder) && !Directory.EnumerateDirectories(folder).Any())
            {
                Directory.Delete(folder);
            }
        }
    }

    private static IEnumerable<int> Pids(string folder) =>
        Directory.Exists(folder) && !IsThreaded(folder)
            ? File.ReadAllLines($"{folder}/cgroup.procs")
                .Select(line => int.Parse(line, CultureInfo.InvariantCulture))
            : [];

    // A threaded cgroup's processes are its parent's; its cgroup.procs answers EOPNOTSUPP.
    private static bool IsThreaded(string folder) =>
        File.Exists($"{folder}/cgroup.type")
        && File.ReadAllText($"{folder}/cgroup.type").Trim() == "threaded";

    private static void Inherit(string folder, string file) =>
        File.WriteAllText(
            $"{folder}/{file}",
            File.ReadAllText($"{System.IO.Path.GetDirectoryName(folder)}/{file}").Trim()
        );
}
