using PinAgent.Observe.Files;
using PinAgent.Observe.Qemu;
using Xunit;

namespace PinAgent.Tests.Observe.Qemu;

/// <summary>Whoever poses as many VMs, or as large ones, takes nothing from one that is just a VM.</summary>
public sealed class VmShareTests
{
    [Fact]
    public void Where_there_is_enough_everybody_has_all()
    {
        var rooms = VmShares.Of([Vm(1, 20), Vm(2, 300), Poser(3, 4000)]);

        Assert.True(rooms[1] >= 20);
        Assert.True(rooms[2] >= 300);
        Assert.True(rooms[3] >= 4000);
    }

    [Fact]
    public void Large_posers_share_what_the_VMs_dont_need()
    {
        var vms = Enumerable.Range(1, 50).Select(i => Vm(i, 80)).ToList();
        var posers = Enumerable.Range(100, 5).Select(i => Vm(i, 100_000));

        var rooms = VmShares.Of([.. vms, .. posers]);

        Assert.All(vms, vm => Assert.True(rooms[vm.Pid] >= 80));
        Assert.All(Enumerable.Range(100, 5), pid => Assert.Equal(1200, rooms[pid]));
    }

    [Fact]
    public void One_container_with_thousands_of_posers_pushes_out_its_own()
    {
        // They were there first, and are known.
        var posers = Enumerable.Range(1, 5000).Select(i => Poser(i, 100) with { IsKnown = true });
        var vms = Enumerable.Range(10_000, 100).Select(i => Vm(i, 60)).ToList();

        var rooms = VmShares.Of([.. posers, .. vms]);

        Assert.All(vms, vm => Assert.True(rooms[vm.Pid] >= 60));
        Assert.Equal(Bounds.Vms, rooms.Count);
    }

    [Fact]
    public void Among_equals_those_that_are_known_stay()
    {
        var known = Enumerable
            .Range(1, 400)
            .Select(i => Vm(i, 10) with { IsKnown = true })
            .ToList();
        var strangers = Enumerable.Range(1000, 400).Select(i => Vm(i, 10) with { StartTime = 1 });

        var rooms = VmShares.Of([.. strangers, .. known]);

        Assert.All(known, vm => Assert.True(rooms.ContainsKey(vm.Pid)));
    }

    [Fact]
    public void What_is_kept_of_a_nodes_threads_is_bounded()
    {
        var rooms = VmShares.Of([.. Enumerable.Range(1, 400).Select(i => Vm(i, 1000))]);

        Assert.InRange(rooms.Values.Sum(), 1, Bounds.NodeThreads);
    }

    private static VmCandidate Vm(int pid, long threads) =>
        new(pid, (ulong)pid, threads, IsKnown: false, $"/vm{pid}");

    private static VmCandidate Poser(int pid, long threads) =>
        new(pid, 1, threads, IsKnown: false, "/hostile");
}
