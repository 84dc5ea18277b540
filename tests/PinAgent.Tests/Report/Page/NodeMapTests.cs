using PinAgent.Apply;
using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Report.Map;
using PinAgent.Report.Status;
using PinAgent.Tests.Plan;
using Xunit;
using static PinAgent.Tests.Report.Page.PageVms;

namespace PinAgent.Tests.Report.Page;

/// <summary>Whose a CPU is, on a machine of four cores with two threads each.</summary>
public sealed class NodeMapTests
{
    [Fact]
    public void A_CPU_says_which_vCPU_of_which_VM_it_runs()
    {
        var node = Node(Pinned("default/vm1", 100, "2 6", "3"));

        Assert.Equal("CPU 2: default/vm1, vCPU 0", About(node, 2));
        Assert.Equal("CPU 6: default/vm1, vCPU 1", About(node, 6));
        Assert.Equal("CPU 3: default/vm1, emulator, helper", About(node, 3));
        Assert.Equal("CPU 0: no dedicated VM", About(node, 0));
    }

    [Fact]
    public void An_emulator_that_shares_the_vCPUs_CPUs_is_named_after_them()
    {
        var node = Node(Pinned("default/vm1", 100, "2 6", "2,6", isIsolated: false));

        Assert.Equal("CPU 6: default/vm1, vCPU 1, emulator, helper", About(node, 6));
        Assert.Equal("vCPU 1", Mark(node, 6));
    }

    [Fact]
    public void Helpers_are_counted()
    {
        var vm = Pinned("default/vm1", 100, "2", "3");
        var node = Node(
            vm with
            {
                Threads = vm.Threads.Add(Thread(150, ThreadRole.Helper, null, "3")),
            }
        );

        Assert.Equal("CPU 3: default/vm1, emulator, 2 × helper", About(node, 3));
    }

    [Fact]
    public void Without_a_VM_a_CPU_is_in_the_shared_pool_or_somebody_elses_where_that_is_known()
    {
        var node = Node(Pinned("default/vm1", 100, "2", "6")) with
        {
            CpuManager = new CpuManagerStatus(CpuManagerState.Static, CpuSet.Parse("0-1"), []),
        };

        Assert.Equal("CPU 1: shared pool", About(node, 1));
        Assert.Equal("CPU 5: exclusive to a container that is no dedicated VM", About(node, 5));
        Assert.Equal(CpuUse.Vm, NodeMap.Of(node)[2].Use);
    }

    [Fact]
    public void Offline_CPUs_are_on_the_map()
    {
        var node = PageStatuses.Audit();

        Assert.Equal("CPU 12: offline", About(node, 12));
        Assert.Equal(Enumerable.Range(0, 16), NodeMap.Of(node).Cpus.Select(cpu => cpu.Id));
    }

    [Fact]
    public void A_VM_that_could_not_be_placed_floats_over_its_CPUs()
    {
        var node = Node(Refused("default/vm1", 100, 3, "2-3", Reason.NotEnoughCpus, "too few"));

        Assert.Equal("CPU 3: default/vm1, not pinned: its threads may run here", About(node, 3));
        Assert.Equal("unpinned", Mark(node, 3));
    }

    [Fact]
    public void A_VM_that_floats_over_the_shared_pool_owns_none_of_it()
    {
        var node = Node(
            Refused("default/vm1", 100, 1, "0-7", Reason.CpusetIsSharedPool, "shared")
        ) with
        {
            CpuManager = new CpuManagerStatus(CpuManagerState.Static, CpuSet.Parse("0-7"), []),
        };

        Assert.All(NodeMap.Of(node).Cpus, cpu => Assert.Equal(CpuUse.SharedPool, cpu.Use));
    }

    [Fact]
    public void In_audit_mode_a_CPU_says_what_is_wanted_and_not_there()
    {
        var node = Node(PageStatuses.Unpinned(Pinned("default/vm1", 100, "2", "6"), "2,6-7"));

        Assert.Equal("CPU 2: default/vm1, vCPU 0 (wanted, not there)", About(node, 2));
        Assert.Equal("vCPU 0?", Mark(node, 2));
        Assert.Equal("unpinned", Mark(node, 7));
    }

    [Fact]
    public void A_thread_that_strays_outside_its_VMs_CPUs_is_shown_where_it_strays()
    {
        var vm = Pinned("default/vm1", 100, "2", "6")
            .With(thread =>
                thread.Tid == 101
                    ? thread with
                    {
                        Actual = CpuSet.Parse("0"),
                        Outcome = Outcome.Confined,
                    }
                    : thread
            );

        Assert.Equal("CPU 0: default/vm1, helper", About(Node(vm), 0));
        Assert.Equal(
            "CPU 6: default/vm1, emulator, helper (wanted, not there)",
            About(Node(vm), 6)
        );
    }

    [Fact]
    public void A_thread_that_is_gone_is_nowhere()
    {
        var vm = Pinned("default/vm1", 100, "2", "6")
            .With(thread => thread.Tid == 110 ? thread with { Actual = null } : thread);

        Assert.Equal("CPU 2: default/vm1, in its cpuset, unused", About(Node(vm), 2));
    }

    [Fact]
    public void VMs_that_overlap_are_both_named()
    {
        var node = Node(Pinned("default/vm1", 100, "2", "6"), Pinned("default/vm2", 200, "6", "7"));

        Assert.Equal(
            "CPU 6: conflict: default/vm1, emulator, helper; default/vm2, vCPU 0",
            About(node, 6)
        );
        Assert.Equal("conflict", Mark(node, 6));
    }

    [Theory]
    // In audit mode, say, or where the kernel refuses: it has CPUs of its own, and isn't kept to them.
    [InlineData("Planned")]
    [InlineData("Denied")]
    public void A_VM_that_may_run_everywhere_makes_nobodys_CPU_a_conflict(string outcome)
    {
        var wide = Pinned("host/b", 200, "3", "7")
            .With(thread =>
                thread with
                {
                    Actual = CpuSet.Parse("0-7"),
                    Outcome = Enum.Parse<Outcome>(outcome),
                }
            );
        var node = Node(Pinned("host/a", 100, "2", "6"), wide);

        Assert.DoesNotContain(NodeMap.Of(node).Cpus, cpu => cpu.IsContested);
        Assert.Equal(
            "CPU 2: host/a, vCPU 0; host/b, not pinned: its threads may run here too",
            About(node, 2)
        );
        Assert.Equal("vCPU 0", Mark(node, 2));
        Assert.Equal("CPU 3: host/b, vCPU 0 (wanted, not there)", About(node, 3));
        Assert.Equal("CPU 0: no dedicated VM", About(node, 0));
        Assert.Empty(PinAgent.Report.Page.Verdict.Of(node, NodeMap.Of(node)).Remarks);
    }

    [Fact]
    public void Nor_does_one_whose_own_CPUs_are_everybodys()
    {
        var everywhere = Refused(
            "host/b",
            200,
            2,
            "0-7",
            Reason.NoCpusetOfItsOwn,
            "no CPUs of its own"
        );
        var inherited = Pinned("host/c", 300, "3", "7") with
        {
            Cpuset = CpuSet.Parse("0-7"),
            CpusetSource = CpuSource.Inherited,
        };
        var node = Node(Pinned("host/a", 100, "2", "6"), everywhere, inherited);

        Assert.DoesNotContain(NodeMap.Of(node).Cpus, cpu => cpu.IsContested);
        Assert.Equal("CPU 2: host/a, vCPU 0", About(node, 2));
        Assert.Equal("CPU 3: host/c, vCPU 0", About(node, 3));
    }

    [Fact]
    public void A_thread_that_strays_onto_another_VMs_CPU_is_told_there_and_no_second_owner()
    {
        var stray = Pinned("host/b", 200, "3", "7")
            .With(thread =>
                thread.Tid == 201
                    ? thread with
                    {
                        Actual = CpuSet.Parse("2"),
                        Outcome = Outcome.Confined,
                    }
                    : thread
            );
        var node = Node(stray, Pinned("host/a", 300, "2", "6"));

        Assert.Equal("CPU 2: host/a, vCPU 0; host/b, helper", About(node, 2));
        Assert.False(NodeMap.Of(node)[2].IsContested);
    }

    [Fact]
    public void Of_eighty_VMs_on_one_CPU_a_few_are_named()
    {
        var node = Node([
            .. Enumerable
                .Range(0, 80)
                .Select(n => Pinned($"default/vm{n}", 1000 + (100 * n), "2", "6")),
        ]);

        Assert.EndsWith("default/vm5, vCPU 0; 74 more VMs", About(node, 2));
        Assert.Contains(
            """<b class="tag">A&#x2B;79</b>""",
            PinAgent.Report.Page.PageRenderer.Render(node).ToString()
        );
    }

    [Fact]
    public void A_VM_that_is_not_dedicated_owns_nothing() =>
        Assert.Equal(
            "CPU 2: no dedicated VM; others may run here",
            About(Node(NotDedicated("default/vm1", 100, 1, "2")), 2)
        );

    [Fact]
    public void Nor_does_one_that_finds_no_CPUs_among_those_that_everybody_has()
    {
        var refused = NotDedicated("host/b", 200, 1, "0-7") with
        {
            Dedicated = true,
            CpusetSource = CpuSource.Inherited,
        };
        var node = Node(Pinned("host/a", 100, "2", "6"), refused);

        Assert.Equal("CPU 2: host/a, vCPU 0", About(node, 2));
        Assert.Equal("CPU 3: no dedicated VM; others may run here", About(node, 3));
    }

    [Fact]
    public void A_CPU_on_which_emulators_of_several_VMs_run_is_none_of_theirs_and_no_conflict()
    {
        var node = Node(
            Pinned("host/a", 100, "2", "0") with
            {
                Cpuset = CpuSet.Parse("2"),
            },
            Pinned("host/b", 200, "3", "0") with
            {
                Cpuset = CpuSet.Parse("3"),
            }
        );

        Assert.Equal(
            "CPU 0: no VM's own: host/a, emulator, helper; host/b, emulator, helper",
            About(node, 0)
        );
        Assert.Equal("emulator", Mark(node, 0));
        Assert.False(NodeMap.Of(node)[0].IsContested);
        Assert.Equal(CpuUse.Beside, NodeMap.Of(node)[0].Use);
    }

    [Fact]
    public void A_CPU_says_of_which_kind_its_core_is_where_there_are_several()
    {
        var node = PageStatuses.Node(
            "node",
            new NodeTopology([
                new LogicalCpu(0, 0, 0, 0, Kind: CoreKind.Performance),
                new LogicalCpu(1, 0, 0, 1, Kind: CoreKind.LowPower),
            ])
        ) with
        {
            Vms = [Pinned("default/vm1", 100, "0", "1")],
        };

        Assert.StartsWith("CPU 0 (performance core): default/vm1, vCPU 0", About(node, 0));
        Assert.StartsWith("CPU 1 (low-power core): ", About(node, 1));
        Assert.StartsWith("CPU 2: ", About(Node(), 2));
    }

    [Fact]
    public void The_tree_is_built_as_the_machine_is()
    {
        var sockets = CpuTree.Of(PageStatuses.Medium().Topology);

        Assert.Equal([0, 1], sockets.Select(socket => socket.Id));
        Assert.Equal([4, 8], sockets[1].NumaNodes.Select(numa => numa.Id));
        Assert.Equal(1, Assert.Single(sockets[1].NumaNodes[0].L3Groups).Id);
        Assert.Equal([16, 48], sockets[1].NumaNodes[0].L3Groups[0].Cores[0].Cpus);
    }

    [Fact]
    public void The_27th_VM_is_called_AA_and_shares_a_colour()
    {
        var vms = Enumerable.Range(0, 28).Select(n => Pinned($"default/vm{n}", 100 + n, "2", "6"));

        var tags = VmTag.Of(Node([.. vms, NotDedicated("default/other", 900, 1, "0")]));

        Assert.Equal(new VmTag("Z", 1), tags[25]);
        Assert.Equal(new VmTag("AA", 2), tags[26]);
        Assert.Equal(new VmTag("AB", 3), tags[27]);
        Assert.Null(tags[28]);
    }

    private static NodeStatus Node(params VmStatus[] vms) =>
        PageStatuses.Node("node", Nodes.Parse(Nodes.A)) with
        {
            Vms = [.. vms],
        };

    private static string About(NodeStatus node, int cpu) =>
        CpuWords.Describe(NodeMap.Of(node)[cpu], node);

    private static string Mark(NodeStatus node, int cpu) =>
        CpuWords.Mark(NodeMap.Of(node)[cpu], isShort: false);
}
