using System.Collections.Immutable;
using System.Text;
using PinAgent.Apply.AtOnce;
using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;
using PinAgent.NativeInterop;
using PinAgent.Plan;
using PinAgent.Plan.Threads;
using PinAgent.Tests.Plan;
using Xunit;

namespace PinAgent.Tests.Apply.AtOnce;

/// <summary>Threads of VMs that are starting, pinned as they get their names.</summary>
public sealed class PinsAtOnceTests : IDisposable
{
    private const int Pid = 1000;
    private readonly FakePinKernel _kernel = new();
    private readonly PinsAtOnce _pins;

    public PinsAtOnceTests() => _pins = new PinsAtOnce(_kernel, TimeProvider.System);

    public void Dispose() => _pins.Dispose();

    [Fact]
    public void A_thread_is_put_where_its_number_belongs_and_what_it_had_is_told()
    {
        _pins.Follow([Plan(Pid, "4", "5")]);
        _kernel.Add(Pid, 1010, "0-7");
        _kernel.Add(Pid, 1011, "5");
        Assert.True(Name(1010, "CPU 0/KVM"));
        Assert.True(Name(1011, "CPU 1/KVM"));

        Assert.Equal(["1010=4"], _kernel.Written);
        var pin = Assert.Single(_pins.Take());
        Assert.Equal((1010, Pid, "0-7"), (pin.Tid, pin.Pid, pin.From.ToString()));
        Assert.Empty(_pins.Take());
    }

    [Fact]
    public void Threads_that_have_come_before_their_vm_was_planned_are_pinned_then()
    {
        _kernel.Add(Pid, 1010, "0-7");
        _pins.Follow([Plan(Pid, "4", "5").With(Vms.Thread(1010, ThreadRole.Vcpu, 0, null))]);

        Assert.Equal(["1010=4"], _kernel.Written);
    }

    [Theory]
    [InlineData("1")]
    [InlineData("0-3")]
    public void What_a_manager_has_set_before_the_name_was_heard_is_left_to_the_pass(string mask)
    {
        // Named before the pass, too.
        _kernel.Add(Pid, 1010, mask);
        _pins.Follow([Plan(Pid, "4", "5").With(Vms.Thread(1010, ThreadRole.Vcpu, 0, null))]);
        _kernel.Add(Pid, 1011, mask);

        Assert.False(Name(1011, "CPU 1/KVM"));
        Assert.Empty(_kernel.Written);
    }

    [Fact]
    public void What_threads_inherit_is_read_anew_by_each_pass()
    {
        var plan = Plan(Pid, "4", "5");
        _pins.Follow([plan]);
        var emulator = plan.Vm.Emulator! with { Affinity = CpuSet.Of(3) };
        _pins.Follow([
            plan.Judged(verdict => verdict with { Vm = plan.Vm with { Threads = [emulator] } }),
        ]);
        _kernel.Add(Pid, 1010, "3");

        Assert.True(Name(1010, "CPU 0/KVM"));
    }

    [Theory]
    [InlineData("CPU 2/KVM")] // none of its vCPUs
    [InlineData("CPU x/KVM")]
    [InlineData("IO mon_iothread")]
    [InlineData("worker")]
    [InlineData("")]
    public void What_has_no_place_is_left_to_the_pass(string name)
    {
        _pins.Follow([Plan(Pid, "4", "5")]);
        _kernel.Add(Pid, 1010, "0-7");

        Assert.False(Name(1010, name));
        Assert.Empty(_kernel.Written);
    }

    [Fact]
    public void A_thread_of_another_process_is_never_touched()
    {
        _pins.Follow([Plan(Pid, "4", "5")]);
        _kernel.Add(2000, 1010, "0-7");
        Assert.False(Name(1010, "CPU 0/KVM"));

        // The process has ended, and another has got its id and its threads': what is held isn't it.
        _pins.Follow([Plan(Pid, "4", "5"), Plan(3000, "6", "7")]);
        _kernel.Add(3000, 3010, "0-7");
        _kernel.End(3000);
        Assert.False(Name(3010, "CPU 0/KVM", 3000));
        Assert.Empty(_kernel.Written);
    }

    [Fact]
    public void Two_threads_of_one_name_and_one_of_two_are_the_passs_to_judge_and_so_is_the_rest()
    {
        _pins.Follow([Plan(Pid, "4", "5"), Plan(2000, "6", "7")]);
        foreach (var (pid, tid) in new[] { (Pid, 1010), (Pid, 1011), (2000, 2010), (2000, 2011) })
        {
            _kernel.Add(pid, tid, "0-7");
        }

        Assert.True(Name(1010, "CPU 0/KVM"));
        Assert.True(Name(1010, "CPU 0/KVM"));
        Assert.False(Name(1011, "CPU 0/KVM"));
        Assert.False(Name(1011, "CPU 1/KVM"));

        Assert.True(Name(2010, "CPU 0/KVM", 2000));
        Assert.False(Name(2010, "CPU 1/KVM", 2000));
        Assert.False(Name(2011, "CPU 1/KVM", 2000));
        Assert.Equal(["1010=4", "2010=6"], _kernel.Written);
    }

    [Fact]
    public void The_first_thread_is_the_emulator_whatever_it_calls_itself()
    {
        _pins.Follow([Plan(Pid, "4", "5")]);
        _kernel.Add(Pid, Pid, "0-7");

        Assert.False(Name(Pid, "CPU 0/KVM"));
    }

    [Fact]
    public void A_vm_that_isnt_starting_any_more_is_let_go()
    {
        _pins.Follow([Plan(Pid, "4", "5"), Plan(2000, "6", "7")]);
        Assert.Equal(2, _kernel.Held);
        _pins.Follow([Plan(2000, "6", "7")]);
        Assert.Equal(1, _kernel.Held);
        _kernel.Add(Pid, 1010, "0-7");
        Assert.False(Name(1010, "CPU 0/KVM"));

        // Planned otherwise: by the new plan.
        _pins.Follow([Plan(2000, "2", "3")]);
        _kernel.Add(2000, 2010, "0-7");
        Assert.True(Name(2010, "CPU 0/KVM", 2000));
        Assert.Equal(["2010=2"], _kernel.Written);

        _pins.Follow([]);
        Assert.Equal(0, _kernel.Held);
    }

    [Fact]
    public void So_many_vms_are_held_and_so_many_pins_told_and_no_more()
    {
        _pins.Follow(
            Enumerable.Range(1, 2 * PinsAtOnce.MostVms).Select(n => Plan(n * 1000, "4", "5"))
        );
        Assert.Equal(PinsAtOnce.MostVms, _kernel.Held);

        _kernel.Add(Pid, 1010, "0-7");
        for (var i = 0; i < 2 * PinsDone.Most; i++)
        {
            _kernel.Set(1010, CpuSet.Parse("0-7").Mask);
            Assert.True(Name(1010, "CPU 0/KVM"));
        }

        Assert.Equal(PinsDone.Most, _pins.Take().Count);
    }

    [Fact]
    public void Where_the_kernel_refuses_the_pass_says_why()
    {
        _pins.Follow([Plan(Pid, "4", "5")]);
        _kernel.Add(Pid, 1010, "0-7");
        _kernel.Refuses = true;

        Assert.False(Name(1010, "CPU 0/KVM"));
        Assert.Empty(_pins.Take());
    }

    [Fact]
    public void A_pin_allocates_nothing()
    {
        _pins.Follow([Plan(Pid, "4", "5")]);
        _kernel.Add(Pid, 1010, "4");
        var named = Named(1010, "CPU 0/KVM", Pid);
        _ = _pins.TryPin(named);

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            _ = _pins.TryPin(named);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private bool Name(int tid, string name, int pid = Pid) => _pins.TryPin(Named(tid, name, pid));

    private static NamedThread Named(int tid, string name, int pid) =>
        new(tid, pid, 1) { Comm = ThreadComm.Of(Encoding.ASCII.GetBytes(name)) };

    // Two vCPUs, none of which is there yet.
    private static VmPlan Plan(int pid, params string[] vcpus)
    {
        var vm = Vms.Vm("db1", "0-7", new GuestTopology(1, vcpus.Length, 1), pid);
        return new VmPlan
        {
            Shape = VmShape.Of(
                new(vm with { Threads = [vm.Emulator!] }, "host", "db1") { Dedicated = true }
            ),
            Threads = [],
            Starting = ThreadMasks.Of(
                vcpus.Select(
                    (cpus, n) =>
                        new PlannedThread(
                            Vms.Thread(-1 - n, ThreadRole.Vcpu, n, null),
                            CpuSet.Parse(cpus)
                        )
                )
            ),
        };
    }
}

/// <summary>Plans by hand.</summary>
file static class Plans
{
    public static VmPlan With(this VmPlan plan, params ImmutableArray<VmThread> threads) =>
        plan.Judged(verdict => verdict with { Vm = plan.Vm.With([.. threads]) });
}
