using PinAgent.Apply;
using PinAgent.Cli.Terminal;
using PinAgent.Model.Cpu;
using PinAgent.Model.Kubernetes;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.NativeInterop;
using PinAgent.Plan;
using PinAgent.Plan.Contests;
using PinAgent.Plan.Threads;
using PinAgent.Report.Page;
using PinAgent.Report.Status;
using PinAgent.Report.Waits;
using PinAgent.State;
using PinAgent.Tests.Apply;
using PinAgent.Tests.Plan;
using PinAgent.Tests.Plan.Contests;
using PinAgent.Tests.Report.Page;
using Xunit;

namespace PinAgent.Tests.Realtime;

/// <summary>A VM whose VMI asks for real time: its vCPUs' priority is set and held, as their masks are.</summary>
public sealed class RealtimeTests : IDisposable
{
    private const int Vcpu0 = 1010;
    private const int Vcpu1 = 1011;
    private const int Pit = 3001;

    private static readonly ThreadScheduling Fifo1 = new(SchedulingPolicy.Fifo, 1);

    private readonly FakeKernel _kernel = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("masks-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Vcpus_of_the_mask_get_FIFO_1_and_the_guests_timer_FIFO_2()
    {
        var outcome = Apply(Plan("0-1,^1"));

        Assert.Equal("FIFO 1", _kernel[Vcpu0].Scheduling.ToString());
        Assert.Equal("OTHER", _kernel[Vcpu1].Scheduling.ToString());
        Assert.Equal("FIFO 2", _kernel[Pit].Scheduling.ToString());
        Assert.Equal([$"{Vcpu0}=FIFO 1", $"{Pit}=FIFO 2"], Raised());
        Assert.Equal(VmState.Pinned, StatusBuilder.Build(outcome).State);
        Assert.Contains(
            $"vcpu 0 ({Vcpu0}) from 0-1,8 to 0 and from OTHER to FIFO 1",
            outcome.DescribeChanges(),
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData(SchedulingPolicy.Fifo, 1)]
    [InlineData(SchedulingPolicy.Fifo, 50)]
    [InlineData(SchedulingPolicy.RoundRobin, 1)]
    [InlineData(SchedulingPolicy.Deadline, 0)]
    public void What_somebody_has_raised_is_right_as_it_is(SchedulingPolicy policy, int priority)
    {
        var raised = new ThreadScheduling(policy, priority);

        var outcome = Apply(Plan("0", (Vcpu0, raised)));

        Assert.Equal(Outcome.AlreadyRight, outcome.Of(Vcpu0).Scheduling?.Outcome);
        Assert.Equal(raised, _kernel[Vcpu0].Scheduling);
    }

    [Fact]
    public void The_timer_needs_more_than_a_vcpu()
    {
        Apply(Plan("0", (Pit, Fifo1)));

        Assert.Equal("FIFO 2", _kernel[Pit].Scheduling.ToString());
    }

    [Fact]
    public void A_VM_that_does_not_ask_for_it_keeps_its_priorities()
    {
        var outcome = Apply(Plan(spec => spec));

        Assert.Empty(Raised());
        Assert.All(StatusBuilder.Build(outcome).Threads, thread => Assert.Null(thread.Realtime));
    }

    [Fact]
    public void A_mask_that_is_not_understood_raises_nothing_and_is_said()
    {
        var status = StatusBuilder.Build(Apply(Plan("0-")));

        Assert.Empty(Raised());
        Assert.Contains(
            "spec.domain.cpu.realtime.mask: expected vCPUs as in 0-3,^1, found \"0-\" in \"0-\": no vCPU gets a real-time "
                + "priority",
            status.Advisories
        );
    }

    [Fact]
    public void In_audit_mode_it_is_only_said()
    {
        var status = StatusBuilder.Build(
            new PlanApplier(_kernel).Apply(Plan("0"), AgentMode.Audit)
        );

        Assert.Empty(_kernel.Written);
        Assert.EndsWith(", 2 given real-time priority", status.Message);
        Assert.Equal(
            new RealtimeStatus("FIFO 1", "OTHER", Outcome.Planned),
            status.Threads.Single(thread => thread.Tid == Vcpu0).Realtime
        );
    }

    [Fact]
    public void A_kernel_that_refuses_leaves_the_VM_partly_pinned_and_says_what_it_needs()
    {
        var plan = Plan("0");
        _kernel[Vcpu0].SchedulingFails = Errno.EPERM;

        var status = StatusBuilder.Build(Apply(plan));

        Assert.Equal((VmState.PartlyPinned, Reason.RealtimeDenied), (status.State, status.Reason));
        Assert.Contains("refused real-time priority for CPU 0/KVM (1010)", status.Message);
        Assert.Contains("cpu.rt_runtime_us", status.Message);
        Assert.Equal("0", status.Threads.Single(thread => thread.Tid == Vcpu0).Actual?.ToString());
    }

    [Fact]
    public void Another_thread_that_has_the_id_meanwhile_keeps_its_priority()
    {
        var plan = Plan("0");
        _kernel[Vcpu0].StartTime++;

        Assert.Equal(Outcome.ThreadGone, Apply(plan).Of(Vcpu0).Scheduling?.Outcome);
        Assert.DoesNotContain($"{Vcpu0}=FIFO 1", _kernel.Written);
    }

    [Fact]
    public void Release_gives_back_what_the_agent_has_raised_and_nothing_else()
    {
        var memory = new MaskMemory($"{_folder}/masks.json");
        var before = new ThreadScheduling(SchedulingPolicy.Batch, 0);
        var outcome = Apply(Plan("0-1", (Vcpu0, before), (Vcpu1, Fifo1)));
        memory.Keep([outcome]);

        var found = outcome.Plan.Vm with
        {
            Threads = [.. outcome.Threads.Select(thread => thread.Found)],
        };
        var masks = memory.Load();
        Apply(
            GiveBack.Of(
                found,
                ("default", "vm1"),
                thread =>
                {
                    var kept = masks.GetValueOrDefault(ThreadKey.Of(thread));
                    return (kept.Mask, kept.Scheduling);
                }
            )
        );

        Assert.Equal(before, _kernel[Vcpu0].Scheduling);
        Assert.Equal(Fifo1, _kernel[Vcpu1].Scheduling);
        Assert.Equal("OTHER", _kernel[Pit].Scheduling.ToString());
        Assert.Equal("0-1,8", _kernel[Vcpu0].Cpus.ToString());
    }

    [Fact]
    public void Each_threads_priority_is_in_the_table_and_on_the_page_of_the_VM_that_asks_for_it()
    {
        var plan = Plan("0-1");
        _kernel[Vcpu1].SchedulingFails = Errno.EPERM;

        var status = StatusBuilder.Build(Apply(plan));

        using var text = new StringWriter();
        Output.Write(StatusTable.Threads(status), text, isPipe: true);

        var rows = text.ToString().Split('\n');
        Assert.EndsWith("PRIORITY", rows[0].TrimEnd());
        Assert.EndsWith("FIFO 1", rows[1].TrimEnd());
        Assert.EndsWith("OTHER, not FIFO 1: Denied", rows[2].TrimEnd());

        var page = $"{ThreadHtml.Table(status, WaitPicture.None)}";
        Assert.Contains(">priority FIFO 1<", page);
        Assert.Contains(">priority OTHER, not FIFO 1: Denied<", page);
    }

    [Fact]
    public void A_priority_that_is_taken_away_again_and_again_is_given_way_to()
    {
        var vm = new FoughtVm(settings: Asking(spec => spec with { Realtime = true }));
        for (var i = 0; i < Contest.Patience; i++)
        {
            vm[Vcpu0].Scheduling = default;
            Assert.Equal(VmState.Pinned, vm.Look().State);
            Assert.Equal(Fifo1, vm[Vcpu0].Scheduling);
        }

        vm[Vcpu0].Scheduling = default;
        var status = vm.Look();

        Assert.Equal(Reason.AnotherWriter, status.Reason);
        Assert.Contains("vcpu 0 (1010) to OTHER instead of FIFO 1", status.Message);
        Assert.Equal(default, vm[Vcpu0].Scheduling);
    }

    private static PlanSettings Asking(Func<VmiSpec, VmiSpec> change) =>
        new(
            [],
            [
                new VmiFacts(null, "vm1")
                {
                    Spec = change(new VmiSpec { DedicatedCpuPlacement = true }),
                },
            ]
        );

    private static VmThread With(VmThread thread, (int Tid, ThreadScheduling Scheduling)[] found) =>
        thread with
        {
            Scheduling = found.FirstOrDefault(one => one.Tid == thread.Tid).Scheduling,
        };

    private VmPlan Plan(string mask, params (int Tid, ThreadScheduling Scheduling)[] found) =>
        Plan(spec => spec with { Realtime = true, RealtimeMask = mask }, found);

    // A VM of two vCPUs with a kernel thread for its timer.
    private VmPlan Plan(
        Func<VmiSpec, VmiSpec> ask,
        params (int Tid, ThreadScheduling Scheduling)[] found
    )
    {
        var all = CpuSet.Parse("0-1,8");
        var vm = Vms.Vm("vm1", "0-1,8", new GuestTopology(1, 1, 2))
            .With(Vms.Thread(Pit, ThreadRole.KvmPit, null, all) with { IsKernelProcess = true });
        vm = vm with { Threads = [.. vm.Threads.Select(thread => With(thread, found))] };
        foreach (var thread in vm.Threads)
        {
            _kernel.Add(thread, thread.IsKernelProcess ? thread.Tid : vm.Key.Pid);
        }

        return new Node { Settings = Asking(ask) }.PassOne(vm);
    }

    private VmOutcome Apply(VmPlan plan) => new PlanApplier(_kernel).Apply(plan, AgentMode.Enforce);

    private IEnumerable<string> Raised() =>
        _kernel.Written.Where(written => written.Contains("FIFO", StringComparison.Ordinal));
}
