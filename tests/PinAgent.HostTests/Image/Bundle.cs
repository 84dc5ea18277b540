using System.Text.Json.Nodes;

namespace PinAgent.HostTests.Image;

/// <summary>
/// A runtime's <c>config.json</c> for the agent's pod: what containerd makes of such a pod, in the places where it
/// matters here.
/// </summary>
/// <remarks>
/// Sources: github.com/opencontainers/runtime-spec, <c>config.md</c>, <c>config-linux.md</c>; github.com/containerd/containerd,
/// <c>oci/spec.go</c>, <c>oci/mounts.go</c>.
/// </remarks>
internal static class Bundle
{
    /// <summary>Makes it.</summary>
    /// <param name="pod">The pod's spec.</param>
    /// <param name="container">The one of its containers.</param>
    /// <param name="root">The unpacked image.</param>
    /// <param name="seccomp">The file with the runtime's default profile.</param>
    /// <param name="hostPaths">What is there in the place of a folder of the host, if it's another.</param>
    /// <param name="empty">What an emptyDir is.</param>
    /// <param name="settings">What the ConfigMap is.</param>
    /// <param name="arguments">Further arguments of the program.</param>
    public static JsonObject Of(
        JsonObject pod,
        JsonObject container,
        string root,
        string seccomp,
        IReadOnlyDictionary<string, string> hostPaths,
        string empty,
        string settings,
        IEnumerable<string> arguments
    )
    {
        var security = container["securityContext"]!;
        string[] capabilities =
        [
            .. (security["capabilities"]!["add"]?.AsArray() ?? []).Select(name => $"CAP_{name}"),
        ];
        return new JsonObject
        {
            ["ociVersion"] = "1.0.2",
            ["process"] = new JsonObject
            {
                ["terminal"] = false,
                ["cwd"] = "/",
                ["user"] = new JsonObject
                {
                    ["uid"] = (int)security["runAsUser"]!,
                    ["gid"] = (int)security["runAsGroup"]!,
                },
                ["args"] = Array([
                    "/usr/bin/pinagent",
                    .. container["args"]!.AsArray().Select(argument => (string)argument!),
                    .. arguments,
                ]),
                ["env"] = Array([
                    "PATH=/usr/bin",
                    .. (container["env"]?.AsArray() ?? []).Select(variable =>
                        $"{variable!["name"]}={(string?)variable["value"] ?? "node1"}"
                    ),
                ]),
                ["capabilities"] = new JsonObject
                {
                    ["bounding"] = Array(capabilities),
                    ["effective"] = Array(capabilities),
                    ["permitted"] = Array(capabilities),
                },
                ["noNewPrivileges"] = !(bool)security["allowPrivilegeEscalation"]!,
            },
            ["root"] = new JsonObject
            {
                ["path"] = root,
                ["readonly"] = (bool)security["readOnlyRootFilesystem"]!,
            },
            ["hostname"] = "node1",
            ["mounts"] = new JsonArray([
                .. UsualMounts(Manifest.MountPathsOf(container)),
                .. Mounts(pod, container, hostPaths, empty, settings),
            ]),
            ["linux"] = Linux(pod, capabilities, seccomp),
        };
    }

    private static JsonObject Linux(JsonObject pod, string[] capabilities, string seccomp)
    {
        string[] namespaces = ["mount", "ipc", "uts", "cgroup"];
        if ((bool?)pod["hostNetwork"] != true)
        {
            namespaces = [.. namespaces, "network"];
        }

        if ((bool?)pod["hostPID"] != true)
        {
            namespaces = [.. namespaces, "pid"];
        }

        return new JsonObject
        {
            ["namespaces"] = new JsonArray([
                .. namespaces.Select(name => new JsonObject { ["type"] = name }),
            ]),
            ["cgroupsPath"] = $"/pinagent-test-{Guid.NewGuid():N}",
            ["seccomp"] =
                (string?)pod["securityContext"]!["seccompProfile"]!["type"] == "RuntimeDefault"
                    ? SeccompProfile.For(seccomp, capabilities)
                    : null,
            ["maskedPaths"] = Array(
                "/proc/acpi /proc/asound /proc/kcore /proc/keys /proc/latency_stats /proc/timer_list /proc/timer_stats "
                    + "/proc/sched_debug /proc/scsi /sys/firmware"
            ),
            ["readonlyPaths"] = Array("/proc/bus /proc/fs /proc/irq /proc/sys /proc/sysrq-trigger"),
        };
    }

    // A pod's mount takes the place of the runtime's own.
    private static IEnumerable<JsonNode> UsualMounts(IEnumerable<string> taken) =>
        new[]
        {
            Mount("/proc", "proc", "proc", "nosuid noexec nodev"),
            Mount("/dev", "tmpfs", "tmpfs", "nosuid strictatime mode=755 size=65536k"),
            Mount("/dev/shm", "tmpfs", "shm", "nosuid noexec nodev mode=1777 size=65536k"),
            Mount("/sys", "sysfs", "sysfs", "nosuid noexec nodev ro"),
            Mount("/sys/fs/cgroup", "cgroup", "cgroup", "nosuid noexec nodev relatime ro"),
        }.Where(mount => !taken.Contains((string)mount["destination"]!));

    private static IEnumerable<JsonNode> Mounts(
        JsonObject pod,
        JsonObject container,
        IReadOnlyDictionary<string, string> hostPaths,
        string empty,
        string settings
    ) =>
        container["volumeMounts"]!
            .AsArray()
            .OrderBy(mount => (string)mount!["mountPath"]!, StringComparer.Ordinal)
            .Select(mount =>
            {
                var volume = pod["volumes"]!
                    .AsArray()
                    .Single(volume => (string)volume!["name"]! == (string)mount!["name"]!)!;
                var source = (string?)volume["hostPath"]?["path"];
                return Mount(
                    (string)mount!["mountPath"]!,
                    "bind",
                    volume["configMap"] is not null ? settings
                        : source is null ? empty
                        : hostPaths.GetValueOrDefault(source, source),
                    $"rbind rprivate {Access(mount)}"
                );
            });

    private static string Access(JsonNode mount) =>
        (bool?)mount["readOnly"] != true ? "rw"
        : mount["recursiveReadOnly"] is null ? "ro"
        : "rro";

    private static JsonNode Mount(string destination, string type, string source, string options) =>
        new JsonObject
        {
            ["destination"] = destination,
            ["type"] = type,
            ["source"] = source,
            ["options"] = Array(options),
        };

    private static JsonArray Array(string words) => Array(words.Split(' '));

    private static JsonArray Array(string[] words) =>
        new([.. words.Select(word => JsonValue.Create(word))]);
}
