using System.Collections.Immutable;
using PinAgent.Model.Node;

namespace PinAgent.Observe.Cgroups;

/// <summary>
/// Which container, and which pod, a cgroup path belongs to. Container runtimes and cgroup drivers write it in
/// many ways; see the cases in the tests. Sources: the kubelet's <c>cgroup_manager_linux.go</c>, containerd's and
/// CRI-O's cgroup paths, KubeVirt's <c>pkg/virt-handler/cgroup</c> for the children below a container.
/// </summary>
internal static class ContainerPath
{
    private const string SystemdUnit = ".scope";
    private const string SystemdSlice = ".slice";
    private const string Pod = "pod";
    private static readonly string[] Classes = ["burstable", "besteffort"];

    /// <summary>Reads a cgroup path, as the root cgroup namespace sees it.</summary>
    /// <param name="path">The path, for example <c>/kubepods/pod1234/abcd/libvirt</c>.</param>
    /// <param name="roots">Below which paths the pods are.</param>
    /// <param name="runtimes">Below which paths pod and container may be one name.</param>
    public static CgroupLocation Parse(
        string path,
        ImmutableArray<string> roots,
        ImmutableArray<string> runtimes
    )
    {
        var parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        foreach (var root in roots)
        {
            if (IndexBelow(root, path) is not { } i || i >= parts.Length)
            {
                continue;
            }

            var slices = i > 0 ? Slices(parts[i - 1]) : "";
            i += i + 1 < parts.Length && IsClass(parts[i], slices) ? 1 : 0;
            if (PodUid(parts[i], slices) is { } uid)
            {
                return i + 1 < parts.Length
                    ? At(parts, i + 1, uid, ContainerId(parts[i + 1]))
                    : At(parts, i, uid, null);
            }
        }

        foreach (var runtime in runtimes)
        {
            if (
                IndexBelow(runtime, path) is { } i
                && i < parts.Length
                && JoinedUid(parts[i]) is { } uid
            )
            {
                return At(parts, i, uid, parts[i][(parts[i].LastIndexOf(':') + 1)..]);
            }
        }

        var last = parts.Length - 1;
        while (last >= 0 && IsChild(parts[last]))
        {
            last--;
        }

        return At(parts, last, null, null);
    }

    /// <summary>
    /// Where the pods are, by the path of a process of which it's known that the kubelet has made its cgroup, not a tenant:
    /// the agent. The innermost pod's parent, for a node may be a container in a pod itself.
    /// </summary>
    /// <returns>Null if the process is in no pod.</returns>
    public static KubeletCgroups? FindRoot(string path)
    {
        var parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        for (var i = parts.Length - 1; i >= 0; i--)
        {
            if (JoinedUid(parts[i]) is not null)
            {
                return new([], [Join(parts[..i])]);
            }

            var parent = i;
            parent -= parent > 1 && IsClass(parts[i - 1], Slices(parts[i - 2])) ? 1 : 0;
            if (
                parent > 0
                && parts[parent - 1].Contains("kubepods", StringComparison.Ordinal)
                && PodUid(parts[i], Slices(parts[parent - 1])) is not null
            )
            {
                return new([Join(parts[..parent])], []);
            }
        }

        return null;
    }

    private static string Join(string[] parts) =>
        parts.Length == 0 ? "" : "/" + string.Join('/', parts);

    // The index of the first part below a root; null if the path isn't there.
    private static int? IndexBelow(string root, string path) =>
        path.Length > root.Length
        && path[root.Length] == '/'
        && path.StartsWith(root, StringComparison.Ordinal)
            ? root.Count(character => character == '/')
            : null;

    // What the names of a slice's children begin with.
    private static string Slices(string parent) =>
        parent.EndsWith(SystemdSlice, StringComparison.Ordinal)
            ? parent[..^SystemdSlice.Length] + "-"
            : "";

    private static bool IsClass(string name, string slices) =>
        Classes.Contains(name)
        || Classes.Any(quality => name == $"{slices}{quality}{SystemdSlice}");

    /// <summary>
    /// Whether a cgroup with this name is a part of a VM's and not the whole: made by virt-handler
    /// (<c>housekeeping</c>), crun (<c>container</c>) or libvirt (the others).
    /// </summary>
    private static bool IsChild(string name) =>
        name is "housekeeping" or "container" or "libvirt" or "emulator"
        || IsNumbered(name, "vcpu")
        || IsNumbered(name, "iothread");

    private static bool IsNumbered(string name, string prefix) =>
        name.Length > prefix.Length
        && name.StartsWith(prefix, StringComparison.Ordinal)
        && name.AsSpan(prefix.Length).IndexOfAnyExceptInRange('0', '9') < 0;

    private static CgroupLocation At(
        string[] parts,
        int last,
        string? podUid,
        string? containerId
    ) => new("/" + string.Join('/', parts[..(last + 1)]), podUid, containerId);

    // kubepods-burstable-pod<uid with _>.slice of the systemd driver, pod<uid> of the cgroupfs driver.
    private static string? PodUid(string part, string slices)
    {
        if (!part.EndsWith(SystemdSlice, StringComparison.Ordinal))
        {
            return part.StartsWith(Pod, StringComparison.Ordinal)
                ? NotEmpty(part[Pod.Length..])
                : null;
        }

        foreach (var quality in Classes.Select(name => name + "-").Append(""))
        {
            var prefix = slices + quality + Pod;
            if (part.StartsWith(prefix, StringComparison.Ordinal))
            {
                return NotEmpty(part[prefix.Length..^SystemdSlice.Length].Replace('_', '-'));
            }
        }

        return null;
    }

    // The systemd driver's names in a runtime set to cgroupfs: kubepods-pod<uid>.slice:cri-containerd:<id>
    private static string? JoinedUid(string part)
    {
        var colon = part.IndexOf(SystemdSlice + ":", StringComparison.Ordinal);
        var start = part.IndexOf("-" + Pod, StringComparison.Ordinal);
        return colon > 0 && start > 0 && start < colon
            ? NotEmpty(part[(start + 1 + Pod.Length)..colon].Replace('_', '-'))
            : null;
    }

    // cri-containerd-<id>.scope, crio-<id>.scope, docker-<id>.scope, or the bare id.
    private static string ContainerId(string part)
    {
        var name = part.EndsWith(SystemdUnit, StringComparison.Ordinal)
            ? part[..^SystemdUnit.Length]
            : part;
        return name[(name.LastIndexOf('-') + 1)..];
    }

    private static string? NotEmpty(string text) => text.Length == 0 ? null : text;
}
