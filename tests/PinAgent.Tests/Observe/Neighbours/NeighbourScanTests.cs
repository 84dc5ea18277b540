using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Observe.Neighbours;
using PinAgent.Tests.Plan;
using Xunit;

namespace PinAgent.Tests.Observe.Neighbours;

/// <summary>What is around a VM whose vCPUs have CPUs 2 and 3.</summary>
public sealed class NeighbourScanTests : IDisposable
{
    private readonly NeighbourHost _host = new();

    [Fact]
    public void Nobody_may_run_there_but_the_VM() => Assert.Empty(_host.Look().Processes);

    [Fact]
    public void Finds_processes_by_the_masks_of_their_threads()
    {
        _host
            .Process(50, "noise (x)", "3", threads: 3)
            .Cgroup("0::/system.slice/noise.service\n")
            .Thread(60, "noise", "0-15")
            .Thread(61, "noise", "0-1");
        _host.Host.Write("/proc/50/cgroup", "0::/system.slice/noise.service\n");

        Assert.Equal(
            [
                new ForeignProcess(50, "noise (x)", Cgroup(), CpuSet.Of(3), 3),
                new ForeignProcess(50, "noise (x)", Cgroup(), CpuSet.Parse("0-15"), 1),
            ],
            _host.Look().Processes
        );

        static CgroupLocation Cgroup() => new("/system.slice/noise.service", null, null);
    }

    [Fact]
    public void The_agent_itself_is_no_neighbour_and_another_of_its_name_is()
    {
        _host.Process(50, "pinagent", "2-3");
        _host.Process(51, "pinagent", "2-3");
        var scan = new NeighbourScan(_host.Host.Root, isLive: false, self: 50);

        Assert.Equal(51, Assert.Single(scan.Look([NeighbourHost.Target]).Processes).Pid);
        Assert.Equal(2, _host.Look().Processes.Count);
    }

    [Fact]
    public void Who_has_used_most_CPU_time_comes_first()
    {
        _host.Process(50, "little", "2");
        _host.Process(51, "much", "2");
        _host.Host.Write(
            "/proc/51/stat",
            "51 (much) S 1 51 51 0 -1 4194560 0 0 0 0 900 700 0 0 20 0 9 0 1000 0 0 0\n"
        );

        Assert.Equal(["much", "little"], _host.Look().Processes.Select(process => process.Comm));
    }

    [Fact]
    public void Kernel_threads_and_who_has_ended_are_left_out()
    {
        FakeProcess.Kernel(_host.Host, 60, "kworker/2:1", 5);
        _host.Process(61, "zombie", "2");
        _host.Host.Write(
            "/proc/61/stat",
            "61 (zombie) Z 1 61 61 0 -1 4194560 0 0 0 0 9 7 0 0 20 0 9 0 1000 0 0 0\n"
        );

        Assert.Empty(_host.Look().Processes);
    }

    [Fact]
    public void Interrupts_are_found_by_their_route_and_by_what_has_fired_since_the_look_before()
    {
        Assert.Equal(["nic-2 2 ", "nic-3 3 "], Interrupts());

        _host.Fire(first: 20, second: 10, third: 11);
        Assert.Equal(["nic-2 2 ", "nic-3 3 3"], Interrupts());

        // Routed away, it has still fired there before.
        _host.Fire(20, 10, 12).Host.Write("/proc/irq/26/effective_affinity_list", "0\n");
        Assert.Equal(["nic-2 2 ", "nic-3  3"], Interrupts());
        Assert.Equal(["nic-2 2 "], Interrupts());
    }

    [Fact]
    public void An_interrupt_that_appears_has_fired_since()
    {
        Interrupts();
        _host.Host.Write(
            "/proc/interrupts",
            "   CPU2\n 24:  1  PCI-MSIX-0000:00:09.0   1-edge      hot-plugged\n"
        );

        Assert.Equal(["hot-plugged  2"], Interrupts());
    }

    [Fact]
    public void A_limit_holds_back_if_its_count_grows()
    {
        Assert.Empty(_host.Look().Throttled);
        Assert.Equal([NeighbourHost.Target.Vm.Key], _host.Throttle(6).Look().Throttled);
        Assert.Empty(_host.Look().Throttled);
    }

    [Fact]
    public void CPUs_of_an_isolated_partition_are_told_of_VMs_that_have_no_placement_too()
    {
        var vm = Vms.Vm("vm2", "6-7", new GuestTopology(1, 2, 1), pid: 2000);
        _host.Host.Write(
            "/sys/fs/cgroup/machine.slice/2000.scope/cpuset.cpus.partition",
            "isolated\n"
        );

        var found = _host.Scan.Look([new ScannedVm(vm, CpuSet.Empty)]);

        Assert.Equal(NodeNeighbours.Nothing with { Isolated = CpuSet.Parse("6-7") }, found);
    }

    [Fact]
    public void Two_looks_that_find_the_same_are_equal()
    {
        _host.Process(50, "noise", "3");

        Assert.Equal(_host.Look(), _host.Look());
        _host.Process(50, "noise", "2");
        Assert.NotEqual(_host.Look(), new NeighbourScan("/nowhere", isLive: false).Look([]));
    }

    public void Dispose() => _host.Dispose();

    private IEnumerable<string> Interrupts() =>
        _host.Look().Interrupts.Select(device => $"{device.Name} {device.Routed} {device.Fired}");
}
