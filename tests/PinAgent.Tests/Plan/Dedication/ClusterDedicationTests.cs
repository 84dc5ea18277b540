using PinAgent.Model.Kubernetes;
using PinAgent.Model.Vm;
using PinAgent.Plan;
using Xunit;
using static PinAgent.Tests.Plan.Dedication.ClusterNode;

namespace PinAgent.Tests.Plan.Dedication;

public sealed class ClusterDedicationTests
{
    private readonly ClusterNode _node = new();

    [Fact]
    public void A_vm_whose_vmi_is_dedicated_is_pinned()
    {
        var vmi = Vmi("vm1").Asking(spec => spec with { IsolateEmulatorThread = true });
        var vm = _node.Run(100, "p1", "2-4").Tell([Launcher("p1", "vm1", "3")], vmi).Pass();

        Assert.Equal(FactSource.Api, vm.Source);
        Assert.Equal(("default", "vm1"), (vm.Namespace, vm.Name));
        Assert.True(vm is { Dedicated: true, IsolateEmulatorThread: true, Placement: not null });
        Assert.Empty(vm.Advisories);
    }

    [Fact]
    public void A_vm_whose_vmi_isnt_dedicated_is_never_touched_whatever_it_looks_like()
    {
        var pod = Launcher("p1", "vm1") with { AsksForCpuManager = true };
        var vm = _node.Run(100, "p1", masks: ["2", "3"]).Tell([pod], Vmi("vm1", false)).Pass();

        AssertLeft(vm, FactSource.Api, Reason.DedicatedCpusNotRequested);
    }

    [Fact]
    public void A_container_that_the_api_says_isnt_the_pods_is_foreign()
    {
        var vm = _node
            .Run(100, "p1", container: "made-up")
            .Tell([Launcher("p1", "vm1")], Vmi("vm1"))
            .Pass();

        Assert.Equal((false, Reason.ForeignContainer), (vm.Dedicated, vm.Obstacle?.Reason));
        Assert.Contains("made-up", vm.Obstacle?.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_container_that_the_api_doesnt_know_yet_or_cant_tell_is_judged_by_its_path()
    {
        var pod = Launcher("p1", "vm1");
        var fresh = pod with
        {
            Containers = new(pod.Containers.Select(one => one with { Id = null })),
        };
        Assert.True(
            _node.Run(100, "p1", container: "new").Tell([fresh], Vmi("vm1")).Pass().Dedicated
        );

        _node.Tell([pod], Vmi("vm1"));
        _node.Facts = _node.Facts with { Sync = new(SyncState.Stale, DateTimeOffset.UnixEpoch) };
        Assert.True(_node.Pass().Dedicated);
    }

    [Fact]
    public void A_vm_that_was_inferred_dedicated_is_let_go_when_the_api_says_otherwise()
    {
        Assert.True(_node.Run(100, "p1", masks: ["2", "3"]).WithoutApi().Pass().Dedicated);
        _node.Facts = new ClusterNode().Facts;
        var vm = _node.Tell([Launcher("p1", "vm1")], Vmi("vm1", false)).Pass();

        AssertLeft(vm, FactSource.Api, Reason.DedicatedCpusNotRequested);
    }

    [Fact]
    public void During_a_migration_two_pods_of_one_vmi_are_both_pinned()
    {
        var vmi = Vmi("vm1") with
        {
            NodeName = "node2",
            MigrationSource = "node2",
            MigrationTarget = Name,
        };
        _node.Run(100, "p1", "2-3").Run(200, "p2", "6-7");
        _node.Tell([Launcher("p1", "vm1"), Launcher("p2", "vm1")], vmi);

        foreach (var vm in new[] { _node.Pass(100), _node.Pass(200) })
        {
            Assert.True(vm is { Source: FactSource.Api, Dedicated: true, Placement: not null });
            Assert.Empty(vm.Advisories);
        }
    }

    [Fact]
    public void A_vmi_that_names_another_node_is_believed_in_all_but_that()
    {
        var vm = _node
            .Run(100, "p1")
            .Tell([Launcher("p1", "vm1")], Vmi("vm1") with { NodeName = "node9" })
            .Pass();

        Assert.True(vm is { Dedicated: true, Placement: not null });
        Assert.Equal(
            ["the VMI says that it runs on node node9, its pod is on node1"],
            vm.Advisories
        );
    }

    [Fact]
    public void The_guests_threads_count_and_a_difference_to_the_vmi_is_shown()
    {
        var vmi = Vmi("vm1").Asking(spec => spec with { Sockets = 4, Threads = 2 }) with
        {
            CurrentTopology = new(1, 3, 1),
        };
        var vm = _node.Run(100, "p1").Tell([Launcher("p1", "vm1")], vmi).Pass();

        Assert.Equal(2, vm.Placement!.Vcpus.Length);
        Assert.Equal(
            [
                "the VMI says 3 or 8 vCPUs, the guest has 2: the guest's threads count",
                "the VMI says 2 threads per core, QEMU's -smp 1: QEMU's count",
            ],
            vm.Advisories
        );
    }

    [Fact]
    public void A_guest_that_is_being_resized_may_have_either_number_of_vcpus()
    {
        var vmi = Vmi("vm1").Asking(spec => spec with { Sockets = 3 }) with
        {
            CurrentTopology = new(2, 1, 1),
        };

        Assert.Empty(_node.Run(100, "p1").Tell([Launcher("p1", "vm1")], vmi).Pass().Advisories);
    }

    [Fact]
    public void Broken_rules_are_shown_and_the_vm_is_pinned_for_kubevirt_admitted_it()
    {
        var vmi = Vmi("vm1")
            .Asking(spec =>
                spec with
                {
                    Sockets = 0,
                    Cores = 2,
                    GuestMemory = null,
                    HasHookSidecars = true,
                }
            );
        _node.Facts = _node.Facts with { SidecarGate = FeatureGate.Off };
        var vm = _node.Run(100, "p1").Tell([Launcher("p1", "vm1")], vmi).Pass();

        Assert.NotNull(vm.Placement);
        Assert.Collection(
            vm.Advisories,
            cause => Assert.StartsWith("spec.domain.resources.limits.memory: expected", cause),
            warning => Assert.StartsWith("PreferSockets", warning),
            warning => Assert.Contains("Sidecar is off", warning)
        );
    }

    [Fact]
    public void A_vmi_that_isnt_dedicated_but_wants_an_isolated_emulator_says_so()
    {
        var vmi = Vmi("vm1", isDedicated: false)
            .Asking(spec => spec with { IsolateEmulatorThread = true });
        var vm = _node.Run(100, "p1").Tell([Launcher("p1", "vm1")], vmi).Pass();

        AssertLeft(vm, FactSource.Api, Reason.DedicatedCpusNotRequested);
        Assert.StartsWith(
            "spec.domain.cpu.isolateEmulatorThread: ",
            Assert.Single(vm.Advisories),
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("1", 2)]
    [InlineData("1900m", 2)]
    [InlineData("0", 2)]
    public void A_pod_that_cant_hold_the_vm_isnt_exclusive(string cpus, int needed)
    {
        var vm = _node.Run(100, "p1").Tell([Launcher("p1", "vm1", cpus)], Vmi("vm1")).Pass();

        Assert.True(vm is { Dedicated: true, Placement: null });
        Assert.Equal(
            (VmState.NotExclusive, Reason.PodLacksCpus),
            (vm.Obstacle!.State, vm.Obstacle.Reason)
        );
        Assert.Contains(
            $"requests {(cpus == "0" ? "no" : cpus)} CPUs, expected {needed} whole ones",
            vm.Obstacle.Message
        );
    }

    [Fact]
    public void A_pod_with_more_cpus_than_the_vm_needs_is_shown_and_its_vm_pinned()
    {
        var vm = _node.Run(100, "p1", "2-4").Tell([Launcher("p1", "vm1", "3")], Vmi("vm1")).Pass();

        Assert.NotNull(vm.Placement);
        Assert.Contains("requests 3 CPUs, expected 2 whole ones", Assert.Single(vm.Advisories));
    }

    [Fact]
    public void A_guest_that_was_grown_needs_as_many_cpus_as_it_has_vcpus()
    {
        var vm = _node
            .Run(100, "p1", "2-4", masks: ["2", "3", "4"])
            .Tell([Launcher("p1", "vm1", "2")], Vmi("vm1"))
            .Pass();

        Assert.Equal(Reason.PodLacksCpus, vm.Obstacle?.Reason);
    }

    [Fact]
    public void A_sidecar_that_keeps_the_pod_from_being_guaranteed_is_named()
    {
        var pod = Launcher("p1", "vm1");
        pod = pod with { Containers = new([new PodContainer("hook"), .. pod.Containers]) };
        var vm = _node.Run(100, "p1").Tell([pod], Vmi("vm1")).Pass();

        Assert.Equal(2, vm.Advisories.Length);
        Assert.All(vm.Advisories, advisory => Assert.StartsWith("container hook: ", advisory));
    }

    [Fact]
    public void A_pod_that_isnt_kubevirts_is_left_alone()
    {
        var pod = Launcher("p1", null) with { IsLauncher = false };
        var vm = _node.Run(100, "p1", masks: ["2", "3"]).Tell([pod]).Pass();

        AssertLeft(vm, FactSource.Inferred, Reason.NotKubeVirt);
    }

    [Fact]
    public void A_process_outside_pods_is_left_alone() =>
        AssertLeft(_node.Run(100, null).Pass(), FactSource.Inferred, Reason.NotInPod);

    [Fact]
    public void A_pod_whose_vmi_is_being_asked_for_waits()
    {
        var vm = _node.Run(100, "p1", masks: ["2", "3"]).Tell([Launcher("p1", "vm1")]).Pass();

        Assert.Equal(
            (VmState.Waiting, Reason.ApiUnanswered),
            (vm.Obstacle!.State, vm.Obstacle.Reason)
        );
    }

    [Fact]
    public void A_pod_without_a_vmi_is_only_watched()
    {
        _node.Run(100, "p1").Tell([Launcher("p1", "vm1")]);
        _node.Facts = _node.Facts with
        {
            Unfound = _node.Facts.Unfound.Add("p1", "the API server has no VMI default/vm1"),
        };

        var vm = _node.Pass();
        AssertLeft(vm, FactSource.Inferred, Reason.ApiUnanswered);
        Assert.StartsWith(
            "the API server has no VMI default/vm1; ",
            vm.Obstacle!.Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_vmi_that_cant_be_read_is_named_and_inference_decides()
    {
        var broken = new VmiFacts("default", "vm1") { Uid = "uid-vm1", Problem = "$.spec: no" };
        var vm = _node.Run(100, "p1").Tell([Launcher("p1", "vm1")], broken).Pass();

        AssertLeft(vm, FactSource.Inferred, Reason.ApiUnanswered);
        Assert.StartsWith(
            "the VMI default/vm1 can't be read ($.spec: no); ",
            vm.Obstacle!.Message,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData(new[] { "2", "3" }, true)]
    [InlineData(new[] { "2", "2" }, false)]
    [InlineData(new[] { "2-3", "3" }, false)]
    [InlineData(new[] { "2-3", "2-3" }, false)]
    public void Without_the_api_inference_continues_and_never_begins(string[] masks, bool isPinned)
    {
        var vm = _node.Run(100, "p1", masks: masks).WithoutApi().Pass();
        Assert.Equal(isPinned, vm.Dedicated);
        Assert.Equal(FactSource.Inferred, vm.Source);

        // First sight it was: what comes later decides nothing.
        vm = _node.Run(100, "p1", masks: isPinned ? ["2-3", "2-3"] : ["2", "3"]).Pass();
        Assert.Equal(isPinned, vm.Dedicated);
        if (!isPinned)
        {
            AssertLeft(vm, FactSource.Inferred, Reason.ApiUnanswered);
            Assert.Contains("Connection refused", vm.Obstacle!.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_vcpu_that_shares_its_cpu_with_another_vms_isnt_alone()
    {
        _node.Run(100, "p1", masks: ["2", "3"]).Run(200, "p2", masks: ["3", "4"]).WithoutApi();

        Assert.False(_node.Pass(100).Dedicated);
    }

    [Fact]
    public void The_nodes_selector_proves_it_where_vmis_may_not_be_read()
    {
        var pod = Launcher("p1", "vm1") with { AsksForCpuManager = true };
        _node.Run(100, "p1", "2-4").Tell([pod]);
        _node.Facts = _node.Facts with { VmiProblem = "403 Forbidden" };
        var vm = _node.Pass();

        Assert.True(vm is { Source: FactSource.Inferred, Dedicated: true, Placement: not null });

        // The spare CPU is the emulator's.
        Assert.True(vm.IsolateEmulatorThread);
    }

    [Fact]
    public void Nothing_is_inferred_before_the_first_answers()
    {
        _node.Facts = ClusterFacts.Connecting;
        var vm = _node.Run(100, "p1", masks: ["2", "3"]).Pass();
        Assert.Equal(
            (VmState.Waiting, Reason.ApiUnanswered),
            (vm.Obstacle!.State, vm.Obstacle.Reason)
        );

        Assert.True(_node.WithoutApi().Pass().Dedicated);
    }

    private static void AssertLeft(VmPlan vm, FactSource source, Reason reason)
    {
        Assert.Equal(
            (source, VmState.NotDedicated, reason),
            (vm.Source, vm.Obstacle!.State, vm.Obstacle.Reason)
        );
        Assert.False(vm.Dedicated);
        Assert.All(vm.Threads, thread => Assert.Null(thread.Wanted));
    }
}
