using PinAgent.Apply.AtOnce;
using PinAgent.Loop;
using PinAgent.Model.Changes;
using PinAgent.Model.Node;
using PinAgent.Observe.Events.Foreign;
using PinAgent.Plan.Contests;
using PinAgent.State;
using Xunit;

namespace PinAgent.Tests.Loop;

/// <summary>What is put back between two passes is told by the next one, and the rules for contests count it.</summary>
public sealed class MeanwhileTests : IDisposable
{
    private const int Vcpu = 101;
    private readonly OneVmHost _one;
    private readonly Dictionary<int, ForeignDeed> _deeds = [];
    private PutBackAtOnce? _back;

    public MeanwhileTests() =>
        _one = new OneVmHost(one => new PassSurroundings
        {
            Meanwhile = new MeanwhilePins(
                null,
                _back = new PutBackAtOnce(one.Kernel, TimeProvider.System)
            ),
            ForeignDeeds = () => _deeds,
        });

    public void Dispose()
    {
        _back?.Dispose();
        _one.Dispose();
    }

    [Fact]
    public void A_thread_that_was_put_back_is_told_of_though_nothing_has_changed()
    {
        var rest = _one.Settle();
        _deeds[Vcpu] = new(new("taskset", 812, null), 0b1111, TimeSpan.FromMicroseconds(44));
        Assert.True(Move("0-3"));

        var result = _one.LookForChanges();

        Assert.NotSame(rest, result);
        var change = Assert.Single(result.Changes);
        Assert.Equal(
            (VmChangeKind.Repaired, ChangeCause.MasksSet, "taskset (pid 812)"),
            (change.Kind, change.Cause, change.By)
        );
        Assert.Equal(44e-6, change.UnpinnedSecondsAtMost!.Value, 1e-7);
        Assert.Equal("0-3", Assert.Single(change.Threads).From?.ToString());
        Assert.Equal(1, result.Status.Drift.Repairs);

        _one.Settle();
        Assert.Same(_one.LookForChanges(), _one.LookForChanges());
        Assert.Equal(1, _one.LookForChanges().Status.Drift.Repairs);
    }

    [Fact]
    public void Who_goes_on_is_a_rival_for_the_pass_to_judge()
    {
        _one.Settle();
        for (var i = 0; i < Contest.Patience; i++)
        {
            _deeds[Vcpu] = new(new("taskset", 812, null), 0b1111, TimeSpan.FromMicroseconds(44));
            Assert.True(Move("0-3"));
            _one.LookForChanges();
        }

        Assert.False(Move("0-3"));
        var sets = _one.Kernel.Sets;
        var result = _one.LookForChanges();

        Assert.Equal(sets, _one.Kernel.Sets);
        Assert.Contains(result.Changes, change => change.Kind == VmChangeKind.Contested);
        Assert.EndsWith(
            "then tried again (by taskset (pid 812))",
            result.Vms[0].Outcome.Plan.Contested
        );
        Assert.False(_back!.TryPutBack(Vcpu));
    }

    [Fact]
    public void In_audit_mode_and_of_a_released_vm_nothing_is_put_back()
    {
        _one.Settle();
        _one.Mode = AgentMode.Audit;
        var vm = _one.LookForChanges().Vms[0].Outcome.Plan.Vm.Key;
        Assert.False(Move("0-3"));

        _one.Mode = AgentMode.Enforce;
        _one.Settle();
        new ReleasedVms(_one.Host.PathOf("/state/released.json")).Change(
            [
                new ReleasedVm
                {
                    Namespace = "host",
                    Name = "vm1",
                    Key = vm,
                },
            ],
            []
        );
        _one.LookForChanges();
        Assert.False(Move("0-3"));
    }

    private bool Move(string cpus)
    {
        _one.Kernel.Cpus(Vcpu, cpus);
        return _back!.TryPutBack(Vcpu);
    }
}
