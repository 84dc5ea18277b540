using PinAgent.Apply.AtOnce;
using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;
using Xunit;

namespace PinAgent.Tests.Apply.AtOnce;

/// <summary>Threads that somebody has moved, put back before a pass looks.</summary>
public sealed class PutBackAtOnceTests : IDisposable
{
    private const int Tid = 1010;
    private static readonly VmKey Vm = new(1000, 5);
    private readonly FakePinKernel _kernel = new();
    private readonly PutBackAtOnce _back;

    public PutBackAtOnceTests()
    {
        _back = new PutBackAtOnce(_kernel, TimeProvider.System);
        _kernel.Add(Vm.Pid, Tid, "0-7");
    }

    public void Dispose() => _back.Dispose();

    [Fact]
    public void A_thread_is_put_back_and_what_it_had_is_told()
    {
        Hold(Tid, "4");

        Assert.False(_back.HasDone);
        Assert.True(_back.TryPutBack(Tid));
        Assert.True(_back.HasDone);
        Assert.Equal([$"{Tid}=4"], _kernel.Written);
        var pin = Assert.Single(_back.Take());
        Assert.Equal((Tid, Vm.Pid, "0-7"), (pin.Tid, pin.Pid, pin.From.ToString()));
        Assert.False(_back.HasDone);
    }

    [Fact]
    public void Once_and_then_the_next_pass_has_the_word()
    {
        Hold(Tid, "4");
        Assert.True(_back.TryPutBack(Tid));
        _kernel.Set(Tid, CpuSet.Parse("0-7").Mask);
        Assert.False(_back.TryPutBack(Tid));

        Hold(Tid, "4");
        Assert.True(_back.TryPutBack(Tid));
    }

    [Fact]
    public void One_that_is_in_its_place_stays_held()
    {
        _kernel.Add(Vm.Pid, Tid, "4");
        Hold(Tid, "4");
        Assert.False(_back.TryPutBack(Tid));
        _kernel.Set(Tid, CpuSet.Parse("0-7").Mask);

        Assert.True(_back.TryPutBack(Tid));
    }

    [Fact]
    public void While_a_pass_sets_masks_and_for_threads_that_no_pass_holds_nothing_is_done()
    {
        Assert.False(_back.TryPutBack(Tid));
        Hold(Tid, "4");
        _back.Rest();
        Assert.False(_back.TryPutBack(Tid));
        Hold(Tid, "4");
        _back.Hold(new Dictionary<VmKey, IReadOnlyList<HeldMask>>());
        Assert.False(_back.TryPutBack(Tid));

        Assert.Empty(_kernel.Written);
        Assert.Equal(0, _kernel.Held);
    }

    [Fact]
    public void A_thread_of_another_process_is_never_touched()
    {
        Hold(Tid, "4");
        // Its process has ended, and another's thread has got its number.
        _kernel.Add(2000, Tid, "0-7");
        Assert.False(_back.TryPutBack(Tid));

        _kernel.Add(Vm.Pid, Tid, "0-7");
        Hold(Tid, "4");
        _kernel.End(Vm.Pid);
        Assert.False(_back.TryPutBack(Tid));
        Assert.Empty(_kernel.Written);
    }

    [Fact]
    public void Where_the_kernel_refuses_the_pass_says_why()
    {
        Hold(Tid, "4");
        _kernel.Refuses = true;

        Assert.False(_back.TryPutBack(Tid));
        Assert.Empty(_back.Take());
    }

    [Fact]
    public void So_many_vms_are_held_and_no_more()
    {
        _back.Hold(
            Enumerable
                .Range(1, 2 * PutBackAtOnce.MostVms)
                .ToDictionary(
                    n => new VmKey(n, 5),
                    n => (IReadOnlyList<HeldMask>)[new(n, CpuSet.Of(4))]
                )
        );

        Assert.Equal(PutBackAtOnce.MostVms, _kernel.Held);
    }

    [Fact]
    public void Looking_at_a_thread_allocates_nothing()
    {
        _kernel.Add(Vm.Pid, Tid, "4");
        Hold(Tid, "4");
        _ = _back.TryPutBack(Tid);

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            _ = _back.TryPutBack(Tid);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private void Hold(int tid, string cpus) =>
        _back.Hold(
            new Dictionary<VmKey, IReadOnlyList<HeldMask>>
            {
                [Vm] = [new HeldMask(tid, CpuSet.Parse(cpus))],
            }
        );
}
