using System.Collections.Immutable;
using PinAgent.Model.Changes;
using PinAgent.Model.Vm;
using PinAgent.Report.Changes;
using Xunit;

namespace PinAgent.Tests.Report.Changes;

/// <summary>Neither the log nor the flight recorder belongs to the loudest.</summary>
public sealed class ChangeQuotaTests
{
    private readonly ChangeQuota _quota = new();
    private DateTimeOffset _now = PassChanges.Noon;

    [Fact]
    public void A_VM_that_flips_without_end_has_its_share_and_is_summed_up_once_a_minute()
    {
        Settle(1);
        var told = new List<VmChange>();
        for (var i = 0; i < 4200; i++)
        {
            told.AddRange(Take(Change(1)));
            _now += TimeSpan.FromMilliseconds(10);
        }

        told.AddRange(After(TimeSpan.FromMinutes(1)));
        Assert.InRange(told.Count, ChangeQuota.PerVm, 2 * ChangeQuota.PerVm);
        Assert.Equal(4200, told.Sum(change => change.Repeated ?? 1));
        Assert.Contains(
            "times more in the last minute",
            ChangeText.What(told[^1]),
            StringComparison.Ordinal
        );
        Assert.Empty(After(TimeSpan.FromMinutes(1)));
    }

    [Fact]
    public void What_happens_to_another_VM_meanwhile_is_told_at_once()
    {
        Settle(1, 2);
        for (var i = 0; i < 1000; i++)
        {
            Take(Change(1));
        }

        Assert.Equal(2, Assert.Single(Take(Change(2))).Pid);
    }

    [Fact]
    public void VMs_that_come_and_go_without_end_share_one_share_and_the_old_ones_keep_theirs()
    {
        Settle(1);
        var told = 0;
        for (var pid = 1000; pid < 5000; pid++)
        {
            told += Take(Change(pid)).Length;
        }

        Assert.Equal(ChangeQuota.OfNewVms, told);
        Assert.Equal(1, Assert.Single(Take(Change(1))).Pid);
        var sum = Assert.Single(After(TimeSpan.FromMinutes(1)));
        Assert.Equal((VmChangeKind.Crowd, 4000 - told), (sum.Kind, sum.Repeated));
    }

    [Fact]
    public void A_VM_that_has_been_quiet_is_forgotten_and_nothing_of_it_is_lost()
    {
        Settle(1);
        After(TimeSpan.FromHours(1));

        Assert.Equal(1, Assert.Single(Take(Change(1))).Pid);
    }

    // VMs that have been there for a while.
    private void Settle(params int[] pids)
    {
        foreach (var pid in pids)
        {
            Take(Change(pid));
        }

        After(TimeSpan.FromMinutes(2));
    }

    private ImmutableArray<VmChange> After(TimeSpan time)
    {
        _now += time;
        return _quota.Take([], _now);
    }

    private ImmutableArray<VmChange> Take(VmChange change) => _quota.Take([change], _now);

    private static VmChange Change(int pid) =>
        new()
        {
            At = PassChanges.Noon,
            Kind = VmChangeKind.Repaired,
            Cause = ChangeCause.MasksSet,
            Pid = pid,
            Key = new VmKey(pid, 1),
        };
}
