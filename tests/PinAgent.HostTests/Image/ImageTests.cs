using System.Text.Json.Nodes;
using CliWrap;
using CliWrap.Buffered;
using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Image;

/// <summary>
/// The image under runc, with the DaemonSet's rights and mounts and no others; and what is lost without each of them.
/// </summary>
[Trait("lane", "image")]
public sealed class ImageTests
{
    private const int Timeout = Patience.Hang;

    // Whom virt-launcher's QEMU belongs to.
    private const int Qemu = 107;

    private readonly string _name = $"default_test-{Guid.NewGuid():N}";

    public static TheoryData<string> Capabilities => ["NET_ADMIN", "SYS_NICE"];

    public static TheoryData<string> Mounts =>
        [
            "/sys/fs/cgroup",
            "/var/lib/kubelet",
            "/var/lib/kubelet/pods",
            "/var/lib/kubelet/plugins",
            "/var/lib/kubelet/pki",
            "/etc/pinagent",
            "/run/pinagent",
        ];

    [Fact(Timeout = Timeout)]
    public async Task The_daemonset_pins_another_users_guest_and_tells_of_it_on_the_node()
    {
        Require();
        using var cpuset = new Cpuset(Cpuset.PodPath(out var podUid, out _), "0-1");
        await using var guest = await Guest.StartAsync(_name, "1", cpuset, uid: Qemu);
        await using var agent = await Container.StartAsync(_name);

        var onNode = await Agent.RunAsync("status", "--socket", agent.Socket, "-o", "json");

        var status = new Status(JsonNode.Parse(onNode.StandardOutput)!);
        var vm = status.Vm(guest);
        Assert.Equal(("Pinned", podUid), (vm.State, (string?)vm.Json["podUid"]));
        Assert.Equal("enforce", (string?)status.Json["mode"]);
        Assert.Equal("static", (string?)status.Json["cpuManager"]!["state"]);
        Assert.Equal("0", guest.Masks()[(await guest.Monitor.VcpuThreadsAsync())[0]]);
        Assert.Equal("1", guest.Masks()[guest.Pid]);
        foreach (var probe in new[] { "startupProbe", "livenessProbe", "readinessProbe" })
        {
            Assert.Equal((probe, 0), (probe, (await agent.ProbeAsync(probe)).ExitCode));
        }

        Assert.Equal(0, await agent.StopAsync());
        Assert.Equal("0", guest.Masks()[(await guest.Monitor.VcpuThreadsAsync())[0]]);
    }

    [Fact(Timeout = Timeout)]
    public async Task The_agent_has_two_capabilities_a_filter_for_system_calls_and_a_root_it_cant_write()
    {
        const ulong NetAdmin = 1 << 12;
        const ulong SysNice = 1 << 23;
        Require();
        await using var agent = await Container.StartAsync(_name);

        var pid = await agent.PidAsync();
        var status = File.ReadLines($"/proc/{pid}/status")
            .Select(line => line.Split(":\t"))
            .ToDictionary(field => field[0], field => field[^1]);
        foreach (var set in new[] { "CapPrm", "CapEff", "CapBnd" })
        {
            Assert.Equal((set, $"{NetAdmin | SysNice:x16}"), (set, status[set]));
        }

        Assert.Equal(("1", "2"), (status["NoNewPrivs"], status["Seccomp"]));
        // A read-only mount of folders says nothing of what is mounted below them: the hierarchies of cgroup v1.
        Assert.Equal(
            ["/run/pinagent"],
            WritableMounts(pid)
                .Where(path => !path.StartsWith("/sys/fs/cgroup/", StringComparison.Ordinal))
        );
    }

    [Fact(Timeout = Timeout)]
    public async Task On_cgroup_v1_the_overlay_lets_the_agent_write_no_cgroup()
    {
        Require();
        await using var agent = await Container.StartAsync(
            _name,
            folder: "deploy/overlays/cgroup-v1"
        );

        Assert.Equal(["/run/pinagent"], WritableMounts(await agent.PidAsync()));
    }

    [Theory(Timeout = Timeout)]
    [MemberData(nameof(Capabilities))]
    public async Task Without_a_capability_another_users_guest_isnt_pinned_or_not_at_once(
        string capability
    )
    {
        Require();
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        await using var guest = await Guest.StartAsync(_name, "1", cpuset, uid: Qemu);
        await using (var whole = await Container.StartAsync(_name))
        {
            Assert.Equal("listening Pinned ", await StandingAsync(whole, guest));
        }

        // As it was before the agent.
        await Cli.Wrap("taskset")
            .WithArguments(["-apc", "0-1", $"{guest.Pid}"])
            .ExecuteAsync(TestContext.Current.CancellationToken);
        await using var agent = await Container.StartAsync(
            _name,
            pod =>
            {
                var added = CapabilitiesOf(pod);
                added.Remove(added.Single(name => (string)name! == capability));
            }
        );

        Assert.Equal(
            capability == "SYS_NICE"
                ? "listening PartlyPinned PermissionMissing"
                : "scanning Pinned ",
            await StandingAsync(agent, guest)
        );
    }

    [Fact(Timeout = Timeout)]
    public async Task Without_the_hosts_network_or_by_its_overlay_only_the_kernels_word_is_lost()
    {
        Require();
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        await using var guest = await Guest.StartAsync(_name, "1", cpuset, uid: Qemu);
        await using (
            var agent = await Container.StartAsync(_name, pod => pod.Remove("hostNetwork"))
        )
        {
            Assert.Equal("scanning Pinned ", await StandingAsync(agent, guest));
        }

        await using var overlay = await Container.StartAsync(
            _name,
            folder: "deploy/overlays/without-host-network"
        );
        Assert.Equal("scanning Pinned ", await StandingAsync(overlay, guest));
    }

    [Fact(Timeout = Timeout)]
    public async Task As_another_user_than_root_the_agent_has_no_capability_and_cant_read_the_checkpoint()
    {
        Require();
        // Not below a folder that somebody may have made for root alone.
        using var cpuset = new Cpuset($"/{_name}", "0-1");
        await using var guest = await Guest.StartAsync(_name, "1", cpuset, uid: Qemu);
        await using var agent = await Container.StartAsync(
            _name,
            pod =>
            {
                var security = Manifest.ContainerOf(pod)["securityContext"]!;
                (security["runAsUser"], security["runAsGroup"]) = (65532, 65532);
                // Its socket can't be in root's folder.
                Manifest.ContainerOf(pod)["args"]!
                    .AsArray()
                    .Add("--socket");
                Manifest.ContainerOf(pod)["args"]!.AsArray().Add("/dev/shm/pinagent.sock");
            }
        );

        var asked = await agent.ExecAsync(
            "pinagent",
            "status",
            "-o",
            "json",
            "--socket",
            "/dev/shm/pinagent.sock"
        );

        var status = new Status(JsonNode.Parse(asked.StandardOutput)!);
        Assert.Equal("PermissionMissing", status.Vm(guest).Reason);
        Assert.Equal("unknown", (string?)status.Json["cpuManager"]!["state"]);
    }

    [Fact(Timeout = Timeout)]
    public async Task Without_the_hosts_pids_the_agent_sees_no_guest()
    {
        Require();
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        await using var guest = await Guest.StartAsync(_name, "1", cpuset);
        await using var agent = await Container.StartAsync(_name, pod => pod.Remove("hostPID"));

        Assert.Empty((await agent.StatusAsync()).Json["vms"]!.AsArray());
    }

    [Theory(Timeout = Timeout)]
    [MemberData(nameof(Mounts))]
    public async Task Without_a_mount_something_is_lost_or_shown_that_shouldnt_be(string path)
    {
        Require();
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        await using var guest = await Guest.StartAsync(_name, "1", cpuset, uid: Qemu);
        await using var whole = await Container.StartAsync(_name);
        Assert.Null(await LossAsync(whole, guest, path));
        await whole.StopAsync();
        await using var agent = await Container.StartAsync(
            _name,
            pod =>
            {
                var mounts = Manifest.ContainerOf(pod)["volumeMounts"]!.AsArray();
                foreach (
                    var mount in mounts
                        .Where(mount =>
                            (string)mount!["mountPath"]! == path
                            // Without the kubelet's folder there's nothing to be hidden in it.
                            || (
                                path == "/var/lib/kubelet"
                                && ((string)mount["mountPath"]!).StartsWith(
                                    path,
                                    StringComparison.Ordinal
                                )
                            )
                        )
                        .ToList()
                )
                {
                    mounts.Remove(mount);
                }
            }
        );

        Assert.NotNull(await LossAsync(agent, guest, path));
    }

    [Fact(Timeout = Timeout)]
    public async Task Every_right_of_the_daemonset_has_a_test_that_misses_it()
    {
        Require();
        var (pod, _) = await Manifest.PodAsync("deploy/base");

        Assert.Equal(
            Capabilities.Select(row => row.Data),
            CapabilitiesOf(pod).Select(name => (string)name!)
        );
        Assert.Equal(Mounts.Select(row => row.Data), Manifest.MountPaths(pod));
        foreach (var right in new[] { "hostIPC", "hostUsers" })
        {
            Assert.False(pod.ContainsKey(right), right);
        }
    }

    // A kubelet with --cert-dir; a new one; k0s and MicroK8s have their folder elsewhere, and kind as usual.
    [Theory(Timeout = Timeout)]
    [InlineData("deploy/base", "pods", "plugins")]
    [InlineData("deploy/base")]
    [InlineData("deploy/overlays/k0s", "pods", "plugins", "pki")]
    [InlineData("deploy/overlays/k0s", "pods")]
    [InlineData("deploy/overlays/microk8s", "pods", "plugins")]
    [InlineData("deploy/overlays/kind", "pods", "plugins", "pki")]
    public async Task The_agent_starts_and_sees_no_secret_whatever_the_kubelets_folder_has(
        string overlay,
        params string[] folders
    )
    {
        Require();
        await using var guest = await Guest.StartAsync(_name, "1", null);
        await using var agent = await Container.StartAsync(
            _name,
            folder: overlay,
            folders: folders
        );

        foreach (var name in Container.Secrets)
        {
            Assert.Null(await LossAsync(agent, guest, $"/var/lib/kubelet/{name}"));
        }

        Assert.Equal("static", (string?)(await agent.StatusAsync()).Json["cpuManager"]!["state"]);
        var doctor = await agent.ExecAsync("pinagent", "doctor");
        Assert.Contains("out of reach, or none: pods, plugins, pki", doctor.StandardOutput);
    }

    [Fact(Timeout = Timeout)]
    public async Task What_runs_before_the_agent_is_nobody_and_mounts_only_what_is_to_be_there()
    {
        Require();
        var (pod, _) = await Manifest.PodAsync("deploy/base");
        var init = Assert.Single(Manifest.InitContainersOf(pod));

        Assert.Equal(
            """{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]},"privileged":false,"readOnlyRootFilesystem":true,"runAsGroup":65534,"runAsUser":65534}""",
            init["securityContext"]!.ToJsonString()
        );
        Assert.Equal(
            Container.Secrets.Select(name => $"/var/lib/kubelet/{name}"),
            init["volumeMounts"]!
                .AsArray()
                .Select(mount => Manifest.HostPathOf(pod, (string)mount!["name"]!))
        );
        Assert.All(
            init["volumeMounts"]!.AsArray(),
            mount => Assert.True((bool)mount!["readOnly"]!)
        );
    }

    [Fact(Timeout = Timeout)]
    public async Task The_image_is_small_labelled_and_the_same_each_time_its_built()
    {
        const long Megabyte = 1000 * 1000;
        Require();
        var again = Directory.CreateTempSubdirectory("pinagent-test-").FullName;
        try
        {
            await Cli.Wrap(Paths.InRepository("deploy/image/build.sh"))
                .WithArguments(["--output", $"{again}/image.tar"])
                .ExecuteBufferedAsync(TestContext.Current.CancellationToken);

            Assert.Equal(
                File.ReadAllBytes(Container.Archive),
                File.ReadAllBytes($"{again}/image.tar")
            );
        }
        finally
        {
            Directory.Delete(again, recursive: true);
        }

        var size = Directory
            .EnumerateFiles(Container.Root, "*", SearchOption.AllDirectories)
            .Sum(file => new FileInfo(file).Length);
        Assert.InRange(size, Megabyte, 40 * Megabyte);
    }

    private static void Require()
    {
        Container.Require();
        Requires.RealGuests(cpus: 2);
        Requires.Program("runc");
    }

    private static async Task<string> StandingAsync(Container agent, Guest guest)
    {
        var status = await agent.StatusAsync();
        var vm = status.Vm(guest);
        return $"{status.Json["events"]!["state"]} {vm.State} {vm.Reason}";
    }

    private static JsonArray CapabilitiesOf(JsonObject pod) =>
        Manifest.ContainerOf(pod)["securityContext"]!["capabilities"]!["add"]!.AsArray();

    // What every container has for itself isn't the host's.
    private static IEnumerable<string> WritableMounts(int pid) =>
        File.ReadLines($"/proc/{pid}/mountinfo")
            .Select(line => line.Split(' '))
            .Where(mount => mount[5].Split(',').Contains("rw"))
            .Select(mount => mount[4])
            .Where(path =>
                path is not ("/proc" or "/dev" or "/dev/shm")
                && !path.StartsWith("/proc/", StringComparison.Ordinal)
            );

    // What is wrong with the agent that the mount is for; null if nothing is.
    private static async Task<string?> LossAsync(Container agent, Guest guest, string path)
    {
        switch (path)
        {
            case "/sys/fs/cgroup":
                var vm = (await agent.StatusAsync()).Vm(guest);
                return vm.State == "Pinned" ? null : $"{vm.State} {vm.Reason}";
            case "/var/lib/kubelet":
                var state = (string?)(await agent.StatusAsync()).Json["cpuManager"]!["state"];
                return state == "static" ? null : state;
            case "/etc/pinagent":
                // In the container the base's file says what the default says, so its absence is what is seen.
                var file = await agent.ExecAsync(
                    "pinagent",
                    "topology",
                    "--config",
                    $"{path}/config.yaml"
                );
                return file.ExitCode == 0 ? null : file.StandardError;
            case "/run/pinagent":
                var asked = await Agent.RunAsync("status", "--socket", agent.Socket);
                return asked.ExitCode == 0 ? null : asked.StandardError;
            default:
                // A file that can be read is one without a VM in it.
                var read = await agent.ExecAsync("pinagent", "validate", "-f", $"{path}/secret");
                return read.ExitCode == 3
                    ? null
                    : $"{path}/secret can be read: exit {read.ExitCode}";
        }
    }
}
