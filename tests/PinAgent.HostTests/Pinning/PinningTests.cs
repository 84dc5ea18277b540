using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Pinning;

/// <summary>Real QEMU guests in real cpusets, on two CPUs.</summary>
public sealed class PinningTests
{
    private const int Timeout = Patience.Hang;
    private readonly string _name = $"default_test-{Guid.NewGuid():N}";

    [Fact(Timeout = Timeout)]
    public async Task A_vcpu_and_the_isolated_emulator_get_a_cpu_each()
    {
        Requires.RealGuests(cpus: 2);
        using var cpuset = new Cpuset(Cpuset.PodPath(out var podUid, out var containerId), "0-1");
        await using var guest = await Guest.StartAsync(_name, "1", cpuset, ioThreads: 1);

        var vm = (await Agent.RunOnceAsync("--vm", _name)).Vm(guest);

        Assert.Equal("Pinned", vm.State);
        Assert.Equal(_name.Replace('_', '/'), vm.FullName);
        Assert.Equal(podUid, (string?)vm.Json["podUid"]);
        Assert.Equal(containerId, (string?)vm.Json["containerId"]);
        Assert.Equal("0-1", (string?)vm.Json["cpuset"]);

        // QEMU says which thread is which; the kernel says where each may run.
        var vcpus = await guest.Monitor.VcpuThreadsAsync();
        var ioThreads = await guest.Monitor.IoThreadsAsync();
        Assert.Equal(vcpus, vm.Tids("vcpu"));
        Assert.Equal(ioThreads["iothread1"], vm.Tids("iothread")[1]);
        foreach (var (tid, mask) in guest.Masks())
        {
            Assert.Equal(tid == vcpus[0] ? "0" : "1", mask);
        }
    }

    [Fact(Timeout = Timeout)]
    public async Task A_second_pass_finds_everything_right_and_changes_nothing()
    {
        Requires.RealGuests(cpus: 2);
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        await using var guest = await Guest.StartAsync(_name, "1", cpuset, ioThreads: 1);

        var first = (await Agent.RunOnceAsync("--vm", _name)).Vm(guest);
        var masks = guest.Masks();
        var second = (await Agent.RunOnceAsync("--vm", _name)).Vm(guest);

        Assert.Equal("Applied", first.Outcomes);
        Assert.Equal("AlreadyRight", second.Outcomes);
        Assert.Equal("Pinned", second.State);
        Assert.Equal(masks, guest.Masks());
    }

    [Fact(Timeout = Timeout)]
    public async Task A_valid_placement_of_somebody_else_is_adopted()
    {
        Requires.RealGuests(cpus: 2);
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        await using var guest = await Guest.StartAsync(_name, "1", cpuset);
        var vcpu = (await guest.Monitor.VcpuThreadsAsync())[0];
        foreach (var tid in guest.Masks().Keys)
        {
            await Threads.TasksetAsync(tid, tid == vcpu ? "1" : "0");
        }

        var vm = (await Agent.RunOnceAsync("--vm", _name)).Vm(guest);

        Assert.Equal("Pinned", vm.State);
        Assert.Equal("AlreadyRight", vm.Outcomes);
        Assert.Equal("1", guest.Masks()[vcpu]);
    }

    [Fact(Timeout = Timeout)]
    public async Task Somebodys_taskset_is_undone_on_the_next_pass()
    {
        Requires.RealGuests(cpus: 2);
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        await using var guest = await Guest.StartAsync(_name, "1", cpuset);
        await using var agent = new AgentLoop("--vm", _name);
        await agent.WaitForLogAsync("pinned within CPUs 0-1");
        var vcpu = (await guest.Monitor.VcpuThreadsAsync())[0];
        Assert.Equal("0", guest.Masks()[vcpu]);

        await Threads.TasksetAsync(vcpu, "1");
        var line = await agent.WaitForLogAsync("repaired");

        Assert.Contains($"vcpu 0 ({vcpu}) from 1 to 0", line);
        Assert.Equal("0", guest.Masks()[vcpu]);
    }

    [Fact(Timeout = Timeout)]
    public async Task A_guest_without_a_cpuset_of_its_own_is_left_alone()
    {
        Requires.RealGuests(cpus: 2);
        await using var guest = await Guest.StartAsync(_name, "1", cpuset: null);
        var before = guest.Masks();

        var vm = (await Agent.RunOnceAsync()).Vm(guest);

        Assert.Equal(("NotDedicated", "NoCpusetOfItsOwn"), (vm.State, vm.Reason));
        Assert.False((bool)vm.Json["dedicated"]!);
        Assert.Equal("-", vm.Outcomes);
        Assert.Equal(before, guest.Masks());
    }

    [Fact(Timeout = Timeout)]
    public async Task A_guest_with_a_cpuset_of_its_own_is_pinned_without_being_named()
    {
        Requires.RealGuests(cpus: 2);
        using var cpuset = new Cpuset($"/{_name}", "1");
        await using var guest = await Guest.StartAsync(_name, "1", cpuset);

        var vm = (await Agent.RunOnceAsync()).Vm(guest);

        Assert.Equal(("Pinned", $"host/{_name}"), (vm.State, vm.FullName));
        Assert.Null((string?)vm.Json["podUid"]);
        Assert.All(guest.Masks().Values, mask => Assert.Equal("1", mask));
    }

    [Fact(Timeout = Timeout)]
    public async Task A_guest_that_is_not_named_is_left_alone()
    {
        Requires.RealGuests(cpus: 2);
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        await using var guest = await Guest.StartAsync(_name, "1", cpuset);
        var before = guest.Masks();

        var vm = (await Agent.RunOnceAsync("--vm", "another")).Vm(guest);

        Assert.Equal(("NotDedicated", "NotNamed"), (vm.State, vm.Reason));
        Assert.Equal(before, guest.Masks());
    }

    [Fact(Timeout = Timeout)]
    public async Task Too_few_cpus_are_refused_and_nothing_is_touched()
    {
        Requires.RealGuests(cpus: 2);
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        await using var guest = await Guest.StartAsync(_name, "3", cpuset);
        var before = guest.Masks();

        var vm = (await Agent.RunOnceAsync("--vm", _name)).Vm(guest);

        Assert.Equal(("Refused", "NotEnoughCpus"), (vm.State, vm.Reason));
        Assert.Equal(before, guest.Masks());
    }

    [Fact(Timeout = Timeout)]
    public async Task A_vmi_file_says_what_the_command_line_cannot()
    {
        Requires.RealGuests(cpus: 2);
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        await using var guest = await Guest.StartAsync(_name, "1", cpuset, ioThreads: 1);
        using var vmi = new VmiFile(
            $$"""
            kind: VirtualMachineInstance
            metadata: {name: {{_name["default_".Length..]}}, namespace: default}
            spec:
              domain:
                cpu: {dedicatedCpuPlacement: true}
                ioThreadsPolicy: supplementalPool
                ioThreads: {supplementalPoolThreadCount: 1}
            """
        );

        var vm = (await Agent.RunOnceAsync("--vmi", vmi.Path)).Vm(guest);

        Assert.Equal(("Pinned", "file"), (vm.State, (string?)vm.Json["source"]));
        var masks = guest.Masks();
        Assert.Equal("0", masks[(await guest.Monitor.VcpuThreadsAsync())[0]]);
        Assert.Equal("1", masks[(await guest.Monitor.IoThreadsAsync())["iothread1"]]);
        Assert.Equal("0-1", masks[guest.Pid]);
    }

    [Fact(Timeout = Timeout)]
    public async Task Threads_without_names_wait_with_a_reason()
    {
        Requires.RealGuests(cpus: 2);
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        await using var guest = await Guest.StartAsync(_name, "1", cpuset, debugThreads: false);
        var before = guest.Masks();

        var vm = (await Agent.RunOnceAsync("--vm", _name)).Vm(guest);

        Assert.Equal(("Waiting", "ThreadsUnnamed"), (vm.State, vm.Reason));
        Assert.Contains("debug-threads=on", (string?)vm.Json["message"]);
        Assert.Equal(before, guest.Masks());
    }

    [Fact(Timeout = Timeout)]
    public async Task One_thread_for_all_vcpus_is_refused()
    {
        Requires.RealGuests(cpus: 2);
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        await using var guest = await Guest.StartAsync(
            _name,
            "2",
            cpuset,
            accelerator: "tcg,thread=single"
        );

        var vm = (await Agent.RunOnceAsync("--vm", _name)).Vm(guest);

        Assert.Equal(("Refused", "VcpusShareOneThread"), (vm.State, vm.Reason));
    }

    [Fact(Timeout = Timeout)]
    public async Task Guests_that_are_killed_while_the_agent_pins_harm_nothing()
    {
        Requires.RealGuests(cpus: 2);
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "1");
        using var doomedCpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0");
        await using var guest = await Guest.StartAsync(_name, "1", cpuset);
        await using var agent = new AgentLoop("--vm", _name, "--vm", $"{_name}-doomed");
        await agent.WaitForLogAsync($"{_name.Replace('_', '/')} (pid {guest.Pid}): pinned");
        for (var i = 0; i < 5; i++)
        {
            await using var doomed = await Guest.StartAsync(
                $"{_name}-doomed",
                "1",
                doomedCpuset,
                ioThreads: 4
            );
            await doomed.KillAsync();
        }

        var vcpu = (await guest.Monitor.VcpuThreadsAsync())[0];
        await Threads.TasksetAsync(guest.Pid, "1");
        Assert.Equal("1", guest.Masks()[vcpu]);
        Assert.Equal(0, await agent.StopAsync("TERM"));
    }

    [Theory(Timeout = Timeout)]
    [InlineData("TERM")]
    [InlineData("INT")]
    public async Task A_stopped_agent_leaves_the_pins_in_place(string signal)
    {
        Requires.RealGuests(cpus: 2);
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        await using var guest = await Guest.StartAsync(_name, "1", cpuset);
        await using var agent = new AgentLoop("--vm", _name);
        await agent.WaitForLogAsync("pinned within CPUs 0-1");
        var pinned = guest.Masks();

        Assert.Equal(0, await agent.StopAsync(signal));

        Assert.Equal(pinned, guest.Masks());
        Assert.Equal("0", pinned[(await guest.Monitor.VcpuThreadsAsync())[0]]);
    }
}
