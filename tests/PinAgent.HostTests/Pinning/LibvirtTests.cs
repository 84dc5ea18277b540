using PinAgent.HostTests.Harness;
using PinAgent.HostTests.Kubelet;
using Xunit;

namespace PinAgent.HostTests.Pinning;

/// <summary>Guests of a real libvirtd, in the cgroups and with the masks that it gives them.</summary>
public sealed class LibvirtTests(Libvirt libvirt) : IClassFixture<Libvirt>
{
    // Longer than Until waits. What a status says may be from before libvirt, which sets a new thread's mask itself, has set it.
    private const int Timeout = Patience.Hang;

    private readonly string _name = $"lv-{Guid.NewGuid():N}";

    [Fact(Timeout = Timeout)]
    public async Task Vcpus_stay_within_the_CPUs_of_the_element_vcpu()
    {
        await libvirt.StartAsync();
        using var state = new TemporaryFolder();
        await using var guest = await libvirt.CreateAsync(
            _name,
            "<vcpu placement='static' cpuset='1'>1</vcpu>"
        );

        var vm = (await Agent.RunOnceAsync("--vm", _name, "--state-dir", state.Path)).Vm(guest.Pid);

        Assert.Equal(("Pinned", "1", "threadCgroups"), Describe(vm));
        Assert.Equal("1", Masks.Of(guest.Pid, "CPU 0"));
    }

    [Fact(Timeout = Timeout)]
    public async Task So_they_do_without_being_named()
    {
        await libvirt.StartAsync();
        using var state = new TemporaryFolder();
        await using var guest = await libvirt.CreateAsync(
            _name,
            "<vcpu placement='static' cpuset='1'>1</vcpu>"
        );

        var vm = (await Agent.RunOnceAsync("--state-dir", state.Path)).Vm(guest.Pid);

        Assert.Equal(("Pinned", "1", "threadCgroups"), Describe(vm));
    }

    [Fact(Timeout = Timeout)]
    public async Task A_placement_of_libvirts_own_is_kept()
    {
        await libvirt.StartAsync();
        using var state = new TemporaryFolder();
        await using var guest = await libvirt.CreateAsync(
            _name,
            """
            <vcpu>2</vcpu>
            <cputune><vcpupin vcpu='0' cpuset='1'/><vcpupin vcpu='1' cpuset='0'/></cputune>
            """
        );

        var vm = (await Agent.RunOnceAsync("--vm", _name, "--state-dir", state.Path)).Vm(guest.Pid);

        Assert.Equal(("Pinned", "0-1", "threadCgroups"), Describe(vm));
        Assert.Equal(("1", "0"), (Masks.Of(guest.Pid, "CPU 0"), Masks.Of(guest.Pid, "CPU 1")));
    }

    [Fact(Timeout = Timeout)]
    public async Task CPUs_are_chosen_where_the_definition_says_none()
    {
        await libvirt.StartAsync();
        using var state = new TemporaryFolder();
        await using var agent = new AgentLoop("--vm", _name, "--state-dir", state.Path);
        await agent.WaitForLogsAsync("pinagent.sock");
        // Before the guest is there, so that libvirt places its threads at the same time.
        await using var guest = await libvirt.CreateAsync(_name, "<vcpu>1</vcpu>");
        await using var watcher = new StatusWatcher(agent.Socket);

        var isAlone = true;
        await watcher.WaitAsync(status =>
        {
            isAlone = status.Json["vms"]!.AsArray().Count == 1;
            return status.Has(guest.Pid)
                && Describe(status.Vm(guest.Pid)) is ("Pinned", _, "chosen");
        });
        await agent.WaitForLogsAsync("chosen because no other VM has them");
        // CPU 0 comes last, unless another VM of this machine has the other one.
        await Until.HoldsAsync(
            () =>
                Task.FromResult(
                    Masks.Of(guest.Pid, "CPU 0") is var mask
                        && (mask == "1" || (mask == "0" && !isAlone))
                ),
            async () =>
                $"vCPU 0 on CPUs {Masks.Of(guest.Pid, "CPU 0")}: "
                + $"{(await agent.AskAsync("--output", "json")).StandardOutput}\n{agent.Said}"
        );
    }

    [Theory(Timeout = Timeout)]
    [InlineData(
        "<vcpu>2</vcpu><cputune><vcpupin vcpu='0' cpuset='1'/><vcpupin vcpu='1' cpuset='0'/></cputune>",
        "1 0"
    )]
    [InlineData("<vcpu placement='static' cpuset='1'>1</vcpu>", "1")]
    public async Task What_libvirt_sets_is_kept_by_an_agent_that_was_there_before_the_guest(
        string cpus,
        string expected
    )
    {
        await libvirt.StartAsync();
        using var state = new TemporaryFolder();
        await using var agent = new AgentLoop("--vm", _name, "--state-dir", state.Path);
        await agent.WaitForLogsAsync("pinagent.sock");
        await using var guest = await libvirt.CreateAsync(_name, cpus);
        await using var watcher = new StatusWatcher(agent.Socket);

        await watcher.WaitAsync(status =>
            status.Has(guest.Pid)
            && Describe(status.Vm(guest.Pid)) is ("Pinned", _, "threadCgroups")
        );

        await Until.EqualAsync(
            expected,
            () =>
                Task.FromResult(
                    string.Join(
                        ' ',
                        expected.Split(' ').Select((_, n) => Masks.Of(guest.Pid, $"CPU {n}"))
                    )
                )
        );
        Assert.DoesNotContain("repaired", agent.Said, StringComparison.Ordinal);
        Assert.DoesNotContain("another program", agent.Said, StringComparison.Ordinal);
    }

    [Fact(Timeout = Timeout)]
    public async Task A_vCPU_that_virsh_plugs_in_is_pinned_within_the_CPUs_that_the_administrator_names()
    {
        await libvirt.StartAsync();
        using var state = new TemporaryFolder();
        await using var agent = new AgentLoop("--vm", $"{_name}=0-1", "--state-dir", state.Path);
        await agent.WaitForLogsAsync("pinagent.sock");
        await using var guest = await libvirt.CreateAsync(
            _name,
            "<vcpu placement='static' current='1'>2</vcpu>"
        );
        await using var watcher = new StatusWatcher(agent.Socket);
        await watcher.WaitAsync(status =>
            status.Has(guest.Pid)
            && Describe(status.Vm(guest.Pid)) is ("Pinned", "0-1", "administrator")
        );

        await libvirt.VirshAsync("setvcpus", _name, "2", "--live");

        await watcher.WaitAsync(status =>
            status.Has(guest.Pid)
            && status.Vm(guest.Pid) is { State: "Pinned" } vm
            && vm.Json["threads"]!.AsArray().Count(thread => (string)thread!["role"]! == "vcpu")
                == 2
        );
        await Until.EqualAsync(
            "0 1",
            () =>
                Task.FromResult(
                    string.Join(
                        ' ',
                        new[] { Masks.Of(guest.Pid, "CPU 0"), Masks.Of(guest.Pid, "CPU 1") }.Order()
                    )
                )
        );
    }

    [Fact(Timeout = Timeout)]
    public async Task CPUs_that_its_threads_cgroups_have_not_are_refused()
    {
        await libvirt.StartAsync();
        using var state = new TemporaryFolder();
        await using var guest = await libvirt.CreateAsync(
            _name,
            "<vcpu placement='static' cpuset='1'>1</vcpu>"
        );
        var before = Masks.Of(guest.Pid, "CPU 0");

        var result = await Agent.RunAsync(
            "run",
            "--standalone",
            "--once",
            "--vm",
            $"{_name}=0",
            "--state-dir",
            state.Path
        );

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("Refused", result.StandardOutput);
        Assert.Equal(before, Masks.Of(guest.Pid, "CPU 0"));
    }

    private static (string State, string Cpus, string Source) Describe(Vm vm) =>
        (vm.State, (string)vm.Json["cpuset"]!, (string)vm.Json["cpusetSource"]!);
}

/// <summary>What the kernel says of a process's threads.</summary>
internal static class Masks
{
    /// <summary>The CPUs of the thread whose name begins so.</summary>
    public static string Of(int pid, string name) =>
        Directory
            .GetDirectories($"/proc/{pid}/task")
            .Where(task =>
                File.ReadAllText($"{task}/comm").StartsWith(name, StringComparison.Ordinal)
            )
            .SelectMany(task => File.ReadLines($"{task}/status"))
            .Single(line => line.StartsWith("Cpus_allowed_list:", StringComparison.Ordinal))
            .Split('\t')[1];
}
