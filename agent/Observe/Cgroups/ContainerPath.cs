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

    /// <summary>Reads a cgroup path, as the root cgroup namespace sees it.</summary>
    /// <param name="path">The path, for example <c>/kubepods/pod1234/abcd/libvirt</c>.</param>
    public static CgroupLocation Parse(string path)
    {
        var parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        var belowKubepods = false;
        for (var i = 0; i < parts.Length; i++)
        {
            var part = parts[i];

            // The systemd driver's names in a runtime set to cgroupfs: kubepods-pod<uid>.slice:cri-containerd:<id>
            var colon = part.IndexOf(SystemdSlice + ":", StringComparison.Ordinal);
            if (colon > 0 && PodUid(part[..(colon + SystemdSlice.Length)]) is { } joinedUid)
            {
                return At(parts, i, joinedUid, part[(part.LastIndexOf(':') + 1)..]);
            }

            belowKubepods |= part.Contains("kubepods", StringComparison.Ordinal);
            if (!belowKubepods || PodUid(part) is not { } uid)
            {
                continue;
            }

            return i + 1 < parts.Length
                ? At(parts, i + 1, uid, ContainerId(parts[i + 1]))
                : At(parts, i, uid, null);
        }

        var last = parts.Length - 1;
        while (last >= 0 && IsChild(parts[last]))
        {
            last--;
        }

        return At(parts, last, null, null);
    }

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
    private static string? PodUid(string part)
    {
        const string Pod = "pod";
        if (part.EndsWith(SystemdSlice, StringComparison.Ordinal))
        {
            var start = part.LastIndexOf("-" + Pod, StringComparison.Ordinal);
            return start < 0
                ? null
                : NotEmpty(part[(start + 1 + Pod.Length)..^SystemdSlice.Length].Replace('_', '-'));
        }

        return part.StartsWith(Pod, StringComparison.Ordinal) ? NotEmpty(part[Pod.Length..]) : null;
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
