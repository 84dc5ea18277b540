using System.Collections.Immutable;
using PinAgent.Kubernetes.Objects;
using PinAgent.Model.Node;
using PinAgent.Observe.Files;
using PinAgent.Observe.Proc;

namespace PinAgent.Observe.Cgroups;

/// <summary>
/// The cgroups below which the kubelet makes those of its pods. No tenant can make one there; but whoever has a cgroup of
/// its own can make one below that with any name, a pod's as well.
/// </summary>
/// <param name="roots">Their paths, as <c>/kubepods.slice</c>; empty for the hierarchy's root.</param>
/// <param name="runtimes">
/// Where a runtime set to cgroupfs makes the systemd driver's names, as <c>/system.slice/containerd.service</c>.
/// </param>
internal sealed class KubeletCgroups(ImmutableArray<string> roots, ImmutableArray<string> runtimes)
{
    private const string Kubepods = "kubepods";
    private const int LargestConfig = 1024 * 1024;

    // What the runtimes' services are called; RKE2's, K3s's and MicroK8s's have the kubelet within.
    private static readonly ImmutableArray<string> Runtimes =
    [
        "",
        .. new[]
        {
            "containerd",
            "crio",
            "docker",
            "k3s",
            "k3s-agent",
            "k0scontroller",
            "k0sworker",
            "rke2-agent",
            "rke2-server",
            "snap.microk8s.daemon-containerd",
        }.Select(service => $"/system.slice/{service}.service"),
    ];

    /// <summary>The pods' roots.</summary>
    public ImmutableArray<string> Roots => roots;

    /// <summary>
    /// Finds them: those told; else, in a pod, where the agent's own pod is; else where the kubelet's configuration says,
    /// or kubelets usually have them.
    /// </summary>
    /// <param name="own">The agent's own path; null if it isn't known.</param>
    /// <param name="place">What the administrator has told.</param>
    public static KubeletCgroups Find(
        HostFiles files,
        CgroupMount mount,
        string? own,
        KubeletPlace place
    )
    {
        if (place.Pods is { } told)
        {
            return new([told.TrimEnd('/')], [told.TrimEnd('/')]);
        }

        if (own is not null && ContainerPath.FindRoot(own) is { } root)
        {
            return root;
        }

        // Where not the whole hierarchy is mounted: a node that is a container itself, as kind's are.
        var prefixes =
            mount.Root is "/" || mount.Root.StartsWith("/..", StringComparison.Ordinal)
                ? new[] { "" }
                : ["", mount.Root.TrimEnd('/')];
        var parents = ConfiguredRoot(files, place.Root) is { } configured
            ? new[] { configured }
            : ["/", "/kubelet"];
        return new(
            [
                .. prefixes.SelectMany(prefix =>
                    parents.SelectMany(parent => Below(parent).Select(path => prefix + path))
                ),
            ],
            [.. prefixes.SelectMany(prefix => Runtimes.Select(path => prefix + path))]
        );
    }

    /// <summary>Which container, of which pod, has a cgroup.</summary>
    /// <param name="path">The path from the hierarchy's root.</param>
    public CgroupLocation Locate(string path) => ContainerPath.Parse(path, roots, runtimes);

    // By the kubelet's cgroup_manager_linux.go: /a/b is /a.slice/a-b.slice with systemd.
    private static IEnumerable<string> Below(string parent)
    {
        var parts = parent.Split('/', StringSplitOptions.RemoveEmptyEntries).Append(Kubepods);
        yield return "/" + string.Join('/', parts);

        var (slices, name) = ("", "");
        foreach (var part in parts)
        {
            name = name.Length == 0 ? part : $"{name}-{part}";
            slices += $"/{name}.slice";
        }

        yield return slices;
    }

    // Not where a recording is made: the file may hold a header with a password (staticPodURLHeader).
    private static string? ConfiguredRoot(HostFiles files, string kubeletRoot)
    {
        if (
            files.Witness is not null
            || !files.Read($"{kubeletRoot}/config.yaml", out var content).IsSuccess
            || content.Length > LargestConfig
        )
        {
            return null;
        }

        try
        {
            return YamlReader
                .Read(System.Text.Encoding.UTF8.GetString(content))
                .OfType<MapNode>()
                .Select(config => config.Values.GetValueOrDefault("cgroupRoot"))
                .OfType<ScalarNode>()
                .Select(root => root.Text)
                .FirstOrDefault(root => root.StartsWith('/'));
        }
        catch (FormatException)
        {
            return null;
        }
    }
}

/// <summary>Where the kubelet has its things.</summary>
/// <param name="Pods">The cgroup of its pods; null if nobody has told.</param>
internal sealed record KubeletPlace(string Root, string? Pods = null);
