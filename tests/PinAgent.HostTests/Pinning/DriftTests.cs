using System.Text.Json.Nodes;
using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Pinning;

/// <summary>
/// What moves a pinned VM's threads, or adds to them, and what the agent makes of it at once: the agents here look by
/// themselves once an hour only, so they do what they do because the kernel told them. Run here and in the virtual nodes,
/// as kernels before 6.2 and after treat masks differently when a cpuset changes.
/// </summary>
[Trait("also", "node")]
public sealed class DriftTests
{
    private const int Timeout = Patience.Hang;
    private readonly string _name = $"default_test-{Guid.NewGuid():N}";

    [Fact(Timeout = Timeout)]
    public async Task A_cpuset_that_somebody_narrows_and_widens_is_followed_at_once()
    {
        Requires.Events(cpus: 2);
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        await using var guest = await Guest.StartAsync(_name, "1", cpuset);
        await using var agent = new AgentLoop("--vm", _name, "--interval", "3600");
        await agent.WaitForLogAsync("pinned within CPUs 0-1");

        cpuset.Write("1");
        await agent.WaitForLogAsync("within CPUs 1");
        Assert.Equal("1", await VcpuMaskAsync(guest));

        cpuset.Write("0-1");
        await agent.WaitForLogAsync("within CPUs 0-1");

        // From Linux 6.2 on the kernel has given the masks back by itself, and nothing is moved.
        var (vcpu, emulator) = KernelGivesMasksBack ? ("0", "1") : ("1", "0");
        Assert.Equal((vcpu, emulator), (await VcpuMaskAsync(guest), guest.Masks()[guest.Pid]));
    }

    [Fact(Timeout = Timeout)]
    public async Task A_cpuset_that_shrinks_with_the_one_above_is_found_by_looking()
    {
        Requires.Events(cpus: 2);
        Assert.SkipWhen(Cpuset.IsV1, "in version 1 a cgroup keeps its CPUs from being taken above");
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        await using var guest = await Guest.StartAsync(_name, "1", cpuset);
        await using var agent = new AgentLoop("--vm", _name, "--interval", "1");
        await agent.WaitForLogAsync("pinned within CPUs 0-1");

        // No file of the VM's own cgroup is written.
        await WriteAsync($"{Path.GetDirectoryName(cpuset.Folder)}/cpuset.cpus", "1");
        await agent.WaitForLogAsync("within CPUs 1");
        Assert.Equal("1", await VcpuMaskAsync(guest));
    }

    [Fact(Timeout = Timeout)]
    public async Task A_cpu_that_goes_offline_moves_its_vcpu_alone_which_stays_when_it_comes_back()
    {
        Requires.Events(cpus: 16);
        const string Online = "/sys/devices/system/cpu/cpu3/online";
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "2-5");
        await using var guest = await Guest.StartAsync(_name, "2", cpuset);
        await using var agent = new AgentLoop("--vm", _name, "--interval", "3600");
        await agent.WaitForLogAsync("pinned within CPUs 2-5");
        Assert.Equal(["2", "3"], await VcpuMasksAsync(guest));

        await WriteAsync(Online, "0");
        try
        {
            await agent.WaitForLogAsync("within CPUs 2,4-5");
            Assert.Equal(["2", "4"], await VcpuMasksAsync(guest));
        }
        finally
        {
            await WriteAsync(Online, "1");
        }

        cpuset.WriteAgain("2-5");
        await agent.WaitForLogAsync("within CPUs 2-5");
        Assert.Equal(["2", "4"], await VcpuMasksAsync(guest));
    }

    [Fact(Timeout = Timeout)]
    public async Task A_vcpu_that_is_plugged_in_is_pinned_as_its_thread_gets_its_name()
    {
        Requires.Events(cpus: 2);
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        await using var guest = await Guest.StartAsync(_name, "1,maxcpus=2,sockets=2", cpuset);
        await using var agent = new AgentLoop("--vm", _name, "--interval", "3600");
        await agent.WaitForLogAsync("pinned within CPUs 0-1");

        await guest.Monitor.ExecuteAsync(
            "device_add",
            new JsonObject
            {
                ["driver"] = "qemu64-x86_64-cpu",
                ["id"] = "cpu1",
                ["socket-id"] = 1,
                ["core-id"] = 0,
                ["thread-id"] = 0,
            }
        );

        // Its thread was born with the mask of the emulator, which gives up the CPU.
        await agent.WaitForLogAsync("pinned within CPUs 0-1: emulator");
        Assert.Equal(["0", "1"], await VcpuMasksAsync(guest));
    }

    [Fact(Timeout = Timeout)]
    public async Task A_checkpoint_that_the_kubelet_replaces_is_read_at_once()
    {
        Requires.Events(cpus: 2);
        using var root = new TemporaryFolder();
        await using var agent = new AgentLoop("--kubelet-root", root.Path, "--interval", "3600");
        await agent.WaitForLogAsync("Node ");
        Assert.Equal("none", await CpuManagerAsync(agent));

        // As the kubelet does: by renaming.
        await WriteAsync(
            $"{root.Path}/.new",
            """{"policyName":"static","defaultCpuSet":"0-1","checksum":0}"""
        );
        File.Move($"{root.Path}/.new", $"{root.Path}/cpu_manager_state");

        while (await CpuManagerAsync(agent) == "none")
        {
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
        }
    }

    private static bool KernelGivesMasksBack => Environment.OSVersion.Version >= new Version(6, 2);

    private static async Task<string> CpuManagerAsync(AgentLoop agent)
    {
        var asked = await agent.AskAsync("-o", "json");
        return (string)JsonNode.Parse(asked.StandardOutput)!["cpuManager"]!["state"]!;
    }

    private static async Task<string> VcpuMaskAsync(Guest guest) =>
        (await VcpuMasksAsync(guest)).Single();

    private static async Task<IReadOnlyList<string>> VcpuMasksAsync(Guest guest)
    {
        var threads = await guest.Monitor.VcpuThreadsAsync();
        var masks = guest.Masks();
        return [.. threads.OrderBy(vcpu => vcpu.Key).Select(vcpu => masks[vcpu.Value])];
    }

    private static Task WriteAsync(string path, string text) =>
        File.WriteAllTextAsync(path, text, TestContext.Current.CancellationToken);
}
