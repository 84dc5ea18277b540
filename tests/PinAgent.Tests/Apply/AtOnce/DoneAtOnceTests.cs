using PinAgent.Apply;
using PinAgent.Apply.AtOnce;
using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;
using PinAgent.Tests.Plan;
using Xunit;

namespace PinAgent.Tests.Apply.AtOnce;

/// <summary>What was done at once is told of by the pass that finds it done.</summary>
public sealed class DoneAtOnceTests
{
    private const int Vcpu = Vms.FirstPid + 10;
    private static readonly PinnedAtOnce Pin = new(
        Vcpu,
        Vms.FirstPid,
        CpuSet.Parse("0-1"),
        TimeSpan.FromSeconds(1)
    );

    private readonly ObservedVm _vm = Vms.Vm("db1", "0-1", new GuestTopology(1, 2, 1))
        .Running("0 1");

    private readonly DoneAtOnce _done = new();

    [Fact]
    public void A_vm_is_told_of_when_its_complete_with_what_its_threads_had_before()
    {
        var starting = _vm with
        {
            Threads = _vm.Threads.RemoveAll(thread => thread.Index == 1),
            Problem = Standing.Unclear(Reason.VcpuThreadsStarting, "not all yet"),
        };
        var waiting = _done.AddTo([Look(starting)], [Pin]);
        Assert.DoesNotContain(waiting.Single().Threads, thread => thread.IsChange);

        var complete = Assert.Single(_done.AddTo([Look(_vm)], []));
        var told = Assert.Single(complete.Threads, thread => thread.IsChange);
        Assert.Equal("vcpu 0 (1010) from 0-1 to 0", told.DescribeChange());
        Assert.Equal(Pin.At, _done.Times[Vcpu]);

        Assert.DoesNotContain(
            _done.AddTo([Look(_vm)], []).Single().Threads,
            thread => thread.IsChange
        );
        Assert.Empty(_done.Times);
    }

    [Fact]
    public void One_that_has_all_its_vcpus_and_waits_for_I_O_threads_is_told_of_once()
    {
        var vm = _vm with { ExpectedIoThreads = 1 };
        Assert.NotNull(Look(vm).Plan.Starting);

        Assert.Contains(_done.AddTo([Look(vm)], [Pin]).Single().Threads, thread => thread.IsChange);
        Assert.DoesNotContain(
            _done.AddTo([Look(vm)], []).Single().Threads,
            thread => thread.IsChange
        );
    }

    [Fact]
    public void What_was_moved_away_meanwhile_is_told_as_it_was_found()
    {
        var moved = Look(_vm.Running("0-1 1"));
        Assert.Equal([moved], _done.AddTo([moved], [Pin]), Same);
    }

    [Fact]
    public void Other_vms_stay_as_they_are_and_what_is_gone_is_forgotten()
    {
        var other = Look(Vms.Vm("db2", "2-3", new GuestTopology(1, 2, 1), pid: 2000));
        Assert.Same(other, Assert.Single(_done.AddTo([other], [Pin])));
        Assert.DoesNotContain(
            _done.AddTo([Look(_vm)], []).Single().Threads,
            thread => thread.IsChange
        );
    }

    private static bool Same(VmOutcome one, VmOutcome other) =>
        one.Threads.SequenceEqual(other.Threads);

    // As a pass leaves a VM whose threads are where they belong.
    private static VmOutcome Look(ObservedVm vm)
    {
        var plan = new Node().PassOne(vm);
        return new VmOutcome(
            plan,
            [
                .. plan.Threads.Select(thread => new PinOutcome(
                    thread,
                    thread.Wanted is null ? null
                        : thread.Wanted.Equals(thread.Thread.Affinity) ? Outcome.AlreadyRight
                        : Outcome.Contested,
                    thread.Thread.Affinity
                )),
            ]
        );
    }
}
