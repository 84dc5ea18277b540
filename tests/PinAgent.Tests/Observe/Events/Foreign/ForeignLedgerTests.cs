using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;
using PinAgent.NativeInterop.Bpf;
using PinAgent.Observe.Events;
using PinAgent.Observe.Events.Foreign;
using PinAgent.Observe.Files;
using PinAgent.Tests.Loop;
using PinAgent.Tests.Plan;
using Xunit;

namespace PinAgent.Tests.Observe.Events.Foreign;

/// <summary>Who has changed which thread, until a pass finds it changed.</summary>
public sealed class ForeignLedgerTests : IDisposable
{
    private const int Vcpu = Vms.FirstPid + 10;
    private static readonly ObservedVm Vm = Vms.Vm("db1", "0-1", new GuestTopology(1, 2, 1));

    private readonly Clock _time = new();
    private readonly PassRequests _requests;
    private readonly HostFiles _files = new("/nowhere");
    private readonly ForeignLedger _ledger;

    public ForeignLedgerTests()
    {
        _requests = new PassRequests(_time, () => TimeSpan.Zero);
        _ledger = new ForeignLedger(_requests, _files, _time);
        _time.Advance(TimeSpan.FromHours(1));
    }

    public void Dispose() => _files.Dispose();

    [Fact]
    public void A_watched_threads_author_is_kept_and_a_pass_over_its_process_asked_for()
    {
        var watched = _ledger.Follow([Vm]);
        Assert.Equal(Vm.Threads.Select(thread => thread.Tid), watched.Select(one => one.Tid));
        _time.Advance(VmBeginning.Lasts);
        _ledger.Changed(Change(Vcpu, 0b11));
        _time.Advance(TimeSpan.FromSeconds(1));

        var named = Assert.Single(_requests.TakeNamed());
        Assert.Equal((Vcpu, Vms.FirstPid, 0UL), (named.Tid, named.Pid, named.AtNanoseconds));
        var deed = Assert.Single(_ledger.Take()).Value;
        Assert.Equal("taskset (pid 812)", $"{deed.By}");
        Assert.InRange(deed.Off.TotalSeconds, 0.999, 1.001);
        Assert.Empty(_ledger.Take());
    }

    [Fact]
    public void While_a_vm_begins_its_manager_isnt_hurried()
    {
        _ = _ledger.Follow([Vm]);
        _ledger.Changed(Change(Vcpu, 0b11));

        Assert.Empty(_requests.TakeNamed());
        Assert.Single(_ledger.Take());

        // That it's followed again makes it no younger.
        _time.Advance(VmBeginning.Lasts / 2);
        _ = _ledger.Follow([Vm]);
        _time.Advance(VmBeginning.Lasts / 2);
        _ledger.Changed(Change(Vcpu, 0b11));
        Assert.Single(_requests.TakeNamed());
    }

    [Fact]
    public void A_thread_that_isnt_watched_any_more_is_nobodys()
    {
        _ = _ledger.Follow([Vm]);
        _ = _ledger.Follow([]);
        _time.Advance(VmBeginning.Lasts);
        _ledger.Changed(Change(Vcpu, 0b11));

        Assert.Empty(_requests.TakeNamed());
        Assert.Empty(_ledger.Take());
    }

    [Fact]
    public void Of_several_changes_the_first_says_since_when_and_the_last_who()
    {
        _ = _ledger.Follow([Vm]);
        _ledger.Changed(Change(Vcpu, 0b11));
        _time.Advance(TimeSpan.FromSeconds(3));
        _ledger.Changed(Change(Vcpu, 0b10) with { By = new ForeignAuthor("tuned", 9, null) });

        var deed = Assert.Single(_ledger.Take()).Value;
        Assert.Equal(("tuned (pid 9)", 0b10UL), ($"{deed.By}", deed.Mask));
        Assert.InRange(deed.Off.TotalSeconds, 2.999, 3.001);
    }

    [Fact]
    public void A_deed_explains_what_is_left_of_its_mask_and_nothing_else()
    {
        var deed = new ForeignDeed(new("taskset", 812, null), 0b110, TimeSpan.Zero);
        Assert.True(deed.Explains(Thread("1-2")));
        Assert.True(deed.Explains(Thread("2")));
        Assert.False(deed.Explains(Thread("0-2")));
        Assert.True((deed with { Mask = null }).Explains(Thread("0-2")));

        static VmThread Thread(string cpus) =>
            Vms.Thread(Vcpu, ThreadRole.Vcpu, 0, CpuSet.Parse(cpus));
    }

    private ForeignChange Change(int tid, ulong mask) =>
        new(
            tid,
            ThreadChangeKind.Affinity,
            mask,
            new ForeignAuthor("taskset", 812, null),
            (ulong)(_time.GetElapsedTime(0).TotalMicroseconds * 1000)
        );
}
