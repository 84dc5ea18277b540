using PinAgent.Model.Cpu;
using PinAgent.NativeInterop;
using PinAgent.Observe.Files;
using PinAgent.Observe.Kubelet;
using PinAgent.Observe.Proc;

namespace PinAgent.Observe.Cgroups;

/// <summary>
/// The mounted cgroup hierarchy that has the cpusets: v1's cpuset hierarchy where there is one (also on hybrid
/// machines), else v2. PinAgent reads cgroups and never writes one.
/// </summary>
/// <remarks>Sources: cpuset(7) and the kernel's <c>Documentation/admin-guide/cgroup-v2.rst</c>, Cpuset.</remarks>
internal sealed class CgroupHierarchy
{
    private readonly HostFiles _files;
    private readonly Dictionary<string, Effective> _effective = [];
    private readonly Lazy<string?> _ownPath;
    private readonly Lazy<KubeletCgroups> _pods;
    private bool _isOutdated;

    private CgroupHierarchy(HostFiles files, CgroupMount mount, KubeletPlace kubelet)
    {
        _files = files;
        Mount = mount;
        _ownPath = new(() => new OwnCgroup(files, FolderOf).Find(Environment.ProcessId));
        _pods = new(() =>
            KubeletCgroups.Find(
                _files,
                Mount,
                kubelet.Pods is null ? OwnCgroup.Told(_files, Mount) ?? _ownPath.Value : null,
                kubelet
            )
        );
    }

    private KeptCpusets? Kept { get; init; }

    /// <summary>Where the kubelet has its pods.</summary>
    public KubeletCgroups Pods => _pods.Value;

    /// <summary>The mount.</summary>
    public CgroupMount Mount { get; }

    /// <summary>Finds the hierarchy among the machine's mounts.</summary>
    /// <param name="problem">Why there is none.</param>
    /// <param name="kubelet">Where the kubelet has its things; null for where it usually has them.</param>
    /// <param name="kept">What tells whether cpusets are as they were; null where nobody asks.</param>
    public static CgroupHierarchy? TryOpen(
        HostFiles files,
        out string? problem,
        KubeletPlace? kubelet = null,
        KeptCpusets? kept = null
    )
    {
        // Under a bind mount of the host's /proc, "self" would answer with the agent's own mounts.
        const string Path = "/proc/1/mountinfo";
        var result = files.ReadPrefix($"{Path}", Bounds.MountTable, out var content, out _);
        if (!result.IsSuccess)
        {
            problem = result
                .ToException($"{files.Display(Path)}: can't find the cgroup mounts")
                .Message;
            return null;
        }

        var mounts = MountInfo.ParseCgroups(content);
        var mount = mounts.FirstOrDefault(mount => mount.IsV1) ?? mounts.FirstOrDefault();
        kubelet ??= new(CpuManagerObserver.DefaultKubeletRoot);
        problem = mount is null
            ? $"{files.Display(Path)}: expected a cgroup v2 mount, or a v1 mount with the cpuset controller, found none"
            : null;
        return mount is null ? null : new CgroupHierarchy(files, mount, kubelet) { Kept = kept };
    }

    /// <summary>The cgroups whose CPUs were read, and where somebody may give them others.</summary>
    public IEnumerable<CpusetFolder> Cpusets =>
        _effective
            .Where(known => known.Value.File is not null)
            .Select(known => new CpusetFolder(
                known.Key,
                known.Value.File![..known.Value.File!.LastIndexOf('/')]
            ));

    /// <summary>Forgets the cpusets read, so that they are read anew.</summary>
    public void Forget()
    {
        Kept?.Keep(_effective.Values.Select(known => known.File).OfType<string>().ToHashSet());
        _effective.Clear();
        _isOutdated = false;
    }

    /// <summary>Forgets one cgroup's cpuset if it's another now, so that it's read anew.</summary>
    /// <param name="path">The path from the hierarchy's root.</param>
    public void Renew(string path)
    {
        if (_effective.TryGetValue(path, out var known) && !IsUnchanged(known))
        {
            // Others may have been judged by it.
            _isOutdated = true;
            _effective.Remove(path);
        }
    }

    /// <summary>Whether all cpusets that were read since <see cref="Forget"/> are still the same. Allocates nothing.</summary>
    public bool IsUnchanged()
    {
        if (_isOutdated)
        {
            return false;
        }

        foreach (var (_, known) in _effective)
        {
            if (!IsUnchanged(known))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>
    /// Makes a path from <c>/proc/&lt;pid&gt;/cgroup</c> absolute. In a cgroup namespace of its own the agent sees
    /// other cgroups relative to its own: <c>/../../pod1/abc</c>.
    /// </summary>
    /// <returns>The path from the hierarchy's root, or null if the agent can't find its own place in it.</returns>
    public string? Resolve(string path)
    {
        if (path != "/.." && !path.StartsWith("/../", StringComparison.Ordinal))
        {
            return path;
        }

        return _ownPath.Value is { } own ? Resolve(path, own) : null;
    }

    /// <summary>Makes a path relative to <paramref name="ownPath"/> absolute.</summary>
    internal static string Resolve(string path, string ownPath)
    {
        var resolved = new List<string>(ownPath.Split('/', StringSplitOptions.RemoveEmptyEntries));
        foreach (var part in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (part != "..")
            {
                resolved.Add(part);
            }
            else if (resolved.Count > 0)
            {
                resolved.RemoveAt(resolved.Count - 1);
            }
        }

        return "/" + string.Join('/', resolved);
    }

    /// <summary>
    /// The CPUs that a cgroup's threads may run on: its effective cpuset, or that of its nearest ancestor that has
    /// the cpuset controller.
    /// </summary>
    /// <param name="path">The path from the hierarchy's root.</param>
    public CpusetReading ReadEffective(string path)
    {
        if (_effective.TryGetValue(path, out var known))
        {
            return known.Reading;
        }

        if (_effective.Count >= Bounds.Vms + Bounds.ThreadCgroups)
        {
            return new(null, $"{path}: not read, for too many other cgroups have VMs' threads");
        }

        var found = new Effective(
            new(null, $"{path}: no cpuset file here or above"),
            null,
            default,
            []
        );
        // Every cgroup of v1 has its cpuset; in v2 one without the controller goes by its nearest ancestor that has it.
        for (string? at = path; at is not null; at = Mount.IsV1 ? null : ParentOf(at))
        {
            if (TryReadEffective(at, out found))
            {
                break;
            }
        }

        _effective[path] = found;
        return found.Reading;
    }

    /// <summary>
    /// The nearest cpuset that somebody has given to the cgroup or to an ancestor below the root, in contrast to
    /// one that is inherited.
    /// </summary>
    /// <param name="path">The path from the hierarchy's root.</param>
    /// <param name="isAbove">Whether it's an ancestor's.</param>
    /// <returns>Nothing when all of it is inherited.</returns>
    public CpusetReading ReadOwn(string path, out bool isAbove)
    {
        isAbove = false;
        for (string? at = path; at is not null and not "/"; at = ParentOf(at), isAbove = true)
        {
            var isThere = TryRead(at, "cpuset.cpus", out var found);
            if ((isThere && found.Reading.Cpus is { IsEmpty: false }) || HasFailed(found))
            {
                return found.Reading;
            }
        }

        return default;
    }

    /// <summary>The CPUs of a child cgroup; null if there's no such child with a cpuset of its own.</summary>
    /// <param name="problem">Why that can't be told; null if it can, or if a reading before couldn't either.</param>
    public CpuSet? ReadChild(string path, string child, ref string? problem)
    {
        var isThere = TryReadEffective($"{path.TrimEnd('/')}/{child}", out var found);
        problem ??= HasFailed(found) ? found.Reading.Problem : null;
        return isThere ? found.Reading.Cpus : null;
    }

    /// <summary>Whether the kernel balances nothing between the cgroup's CPUs: v2's partition <c>isolated</c>.</summary>
    /// <param name="path">The path from the hierarchy's root.</param>
    public bool IsIsolated(string path)
    {
        for (string? at = path; at is not null and not "/"; at = ParentOf(at))
        {
            // What is a member, or a partition that has become invalid, is a part of the one above.
            if (
                _files.ReadText($"{FolderOf(at)}/cpuset.cpus.partition", out var kind).IsSuccess
                && kind is "isolated" or "root"
            )
            {
                return kind == "isolated";
            }
        }

        return false;
    }

    // Not there, or gone meanwhile, is an answer.
    private static bool HasFailed(Effective found) =>
        !found.Result.IsSuccess && !found.Result.Errno.MeansGone();

    private bool IsUnchanged(Effective known) =>
        known.File is { } file && Kept?.IsStill(file, known.Result, known.Content) == true;

    private bool TryReadEffective(string path, out Effective found) =>
        Mount.IsV1
            ? TryRead(path, "cpuset.effective_cpus", out found)
                || TryRead(path, "cpuset.cpus", out found)
            : TryRead(path, "cpuset.cpus.effective", out found);

    // False: no such file, look further up. True: an answer, be it an error.
    private bool TryRead(string path, string name, out Effective found)
    {
        var file = $"{FolderOf(path)}/{name}";
        var result = _files.ReadOnePiece($"{file}", out var content);
        CpusetReading reading =
            !result.IsSuccess ? new(null, result.ToException(_files.Display(file)).Message)
            : CpuSet.TryParse(content, out var cpus, out var error) ? new(cpus, null, file)
            : new(null, $"{_files.Display(file)}: {error}");
        found = new Effective(reading, file, result, content.ToArray());
        return result.Errno != Errno.ENOENT;
    }

    private string FolderOf(string path)
    {
        var root = Mount.Root.TrimEnd('/');
        var isBelow =
            path.StartsWith(root, StringComparison.Ordinal)
            && (path.Length == root.Length || path[root.Length] == '/');
        var below = isBelow ? path[root.Length..] : path;
        return Mount.MountPoint.TrimEnd('/') + below.TrimEnd('/');
    }

    private static string? ParentOf(string path) =>
        path.LastIndexOf('/') switch
        {
            _ when path is "/" or "" => null,
            0 => "/",
            var slash => path[..slash],
        };

    // What was read, from where, and its bytes.
    private sealed record Effective(
        CpusetReading Reading,
        string? File,
        LinuxResult Result,
        byte[] Content
    );
}
