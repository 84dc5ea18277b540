using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using Xunit;

namespace PinAgent.Tests.Plan.Threads;

/// <summary>Where the threads of a VM that is starting will belong.</summary>
public sealed class StartingPlanTests
{
    private static readonly GuestTopology Four = new(1, 2, 2);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public void Each_thread_to_come_goes_where_it_goes_once_all_are_there(int there)
    {
        var whole = Vms.Vm("db1", "0-2,8-10", Four)
            .With(Vms.Thread(1030, ThreadRole.IoThread, 1, CpuSet.Parse("0-2,8-10")));
        var starting = Starting(whole, there);
        Assert.Equal("Waiting VcpuThreadsStarting", new Node().PassOne(starting).Standing());
        var masks = new Node().PassOne(starting).Starting!;
        var placed = new Node().PassOne(whole);
        Assert.Null(placed.Starting);
        foreach (var thread in placed.Threads.Where(thread => thread.Thread.Index is not null))
        {
            Assert.Equal(thread.Wanted, masks.Find(thread.Thread.Role, thread.Thread.Index!.Value));
        }
    }

    [Fact]
    public void Number_by_number_for_every_shape_and_moment()
    {
        foreach (
            var (vcpus, threads, spare) in from vcpus in new[] { 1, 2, 3, 4, 6 }
            from threads in new[] { 1, 2 }
            from spare in new[] { 0, 1, 2 }
            where vcpus % threads == 0
            select (vcpus, threads, spare)
        )
        {
            var cpus = CpuSet.Of(Enumerable.Range(1, vcpus + spare)).ToString();
            var whole = Vms.Vm("db1", cpus, new GuestTopology(1, vcpus / threads, threads));
            var placed = new Node().PassOne(whole);
            for (var there = 0; there < vcpus; there++)
            {
                var masks = new Node().PassOne(Starting(whole, there)).Starting;
                Assert.Equal(
                    placed.Vcpus(),
                    string.Join(
                        ' ',
                        Enumerable.Range(0, vcpus).Select(n => masks!.Find(ThreadRole.Vcpu, n))
                    )
                );
            }
        }
    }

    [Fact]
    public void Nothing_is_told_where_something_may_still_turn_out_otherwise()
    {
        var starting = Starting(Vms.Vm("db1", "0-3", Four), 1);
        Assert.NotNull(Plan(starting));

        // It isn't dedicated; it has too few CPUs; it was given back.
        Assert.Null(Plan(starting.Unconfined()));
        Assert.Null(Plan(starting.On("0-2")));
        Assert.Null(
            new Node { Settings = PlanSettings.Default with { Released = [starting.Key] } }
                .PassOne(starting)
                .Starting
        );

        // Its CPUs are another's, too, who may turn out to come first.
        var other = Starting(Vms.Vm("db2", "3-6", Four, pid: 2000), 0);
        Assert.All(new Node().Pass(starting, other), vm => Assert.Null(vm.Starting));

        // libvirt is giving its threads cgroups of their own.
        Assert.Null(Plan(starting.InLibvirt("0")));

        // Two are called alike, or one as none that there will be.
        Assert.Null(Plan(starting.With(Vms.Thread(1050, ThreadRole.Vcpu, 0, null))));
        Assert.Null(Plan(starting.With(Vms.Thread(1050, ThreadRole.Vcpu, 4, null))));
    }

    [Fact]
    public void I_O_threads_that_come_after_the_last_vcpu_go_where_they_go_once_all_are_there()
    {
        var whole = Vms.Vm("db1", "0-2,8-10", Four)
            .With(Vms.Thread(1030, ThreadRole.IoThread, 1, CpuSet.Parse("0-2,8-10")));
        var placed = new Node().PassOne(Starting(whole, 4) with { Problem = null });

        Assert.Equal("placed", placed.Standing());
        Assert.Equal(
            new Node()
                .PassOne(whole)
                .Threads.Single(t => t.Thread.Role == ThreadRole.IoThread)
                .Wanted,
            placed.Starting!.Find(ThreadRole.IoThread, 1)
        );

        // All are there; somebody has put one where it can't be left.
        Assert.Null(new Node().PassOne(whole).Starting);
        var waiting = whole with { ExpectedIoThreads = 2 };
        Assert.NotNull(new Node().PassOne(waiting).Starting);
        Assert.Null(new Node().PassOne(waiting.InLibvirt("0")).Starting);
    }

    [Fact]
    public void Whatever_a_command_line_says_little_is_made_of_it()
    {
        var starting = Starting(Vms.Vm("db1", "0-3", Four), 1);
        Assert.Null(
            Plan(starting with { Guest = new GuestCpus(new GuestTopology(1, 1 << 30, 1), 1 << 30) })
        );
        Assert.Null(Plan(starting with { ExpectedIoThreads = 1 << 30 }));
    }

    private static PinAgent.Plan.Threads.ThreadMasks? Plan(ObservedVm vm) =>
        new Node().PassOne(vm).Starting;

    // As it's found when so many of its vCPUs exist, and none of its I/O threads.
    private static ObservedVm Starting(ObservedVm whole, int vcpus) =>
        whole with
        {
            ExpectedIoThreads = whole.Threads.Count(t => t.Role == ThreadRole.IoThread),
            Threads = whole.Threads.RemoveAll(t =>
                t.Role == ThreadRole.IoThread || (t.Role == ThreadRole.Vcpu && t.Index >= vcpus)
            ),
            Problem = Standing.Unclear(Reason.VcpuThreadsStarting, "not all yet"),
        };
}
