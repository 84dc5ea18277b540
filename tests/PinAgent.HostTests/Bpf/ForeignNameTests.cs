using System.Diagnostics;
using PinAgent.HostTests.Harness;
using PinAgent.NativeInterop.Bpf;
using Xunit;

namespace PinAgent.HostTests.Bpf;

/// <summary>Names and moves between cgroups, as the kernel tells of them, and what is lost.</summary>
[Trait("also", "node")]
public sealed class ForeignNameTests
{
    private const ulong ShareOfNames = 2048;

    [Fact]
    public void A_name_like_a_vcpus_is_told_and_no_other()
    {
        using var lane = BpfLane.Open(MaskHook.None);

        OnThread(tid =>
        {
            Foreign.NameYourself("CPU");
            Foreign.NameYourself("worker");
            Foreign.NameYourself("IO iothread1");
            Foreign.NameYourself("CPU 3/KVM");
            Assert.Equal(("IO iothread1", tid), Named(lane, tid));
            Assert.Equal(("CPU 3/KVM", tid), Named(lane, tid));
        });
    }

    [Fact]
    public void Who_names_a_thread_without_end_is_told_of_a_share_and_others_as_before()
    {
        const int Names = 20_000;
        using var lane = BpfLane.Open(MaskHook.None);

        OnThread(_ => Foreign.NameYourself("CPU 0/KVM", Names));
        var (other, _) = Foreign.Run("sh", "-c", "printf 'CPU 1/KVM' > /proc/$$/comm");

        var told = lane.Waiting(ThreadChangeKind.Name);
        var losses = lane.Watch.Losses();
        Assert.Contains((other, other), told);
        var own = (ulong)told.Count(name => name.ByPid == Environment.ProcessId);
        Assert.InRange(own, ShareOfNames, Names / 2UL);
        Assert.InRange(losses.NameExcess, Names - own, ulong.MaxValue);
        Assert.Equal(0UL, losses.Lost);
    }

    [Fact]
    public void What_the_ring_has_no_room_for_is_counted_and_what_comes_later_is_told()
    {
        using var lane = BpfLane.Open(MaskHook.None);
        // Each process has a share, and the ring holds less than three of them: nobody reads meanwhile.
        for (var i = 0; i < 4; i++)
        {
            Assert.True(
                Foreign
                    .Run(
                        "sh",
                        "-c",
                        $"i=0; while [ $i -lt {ShareOfNames} ]; do i=$((i + 1)); echo 'CPU 0/KVM' > /proc/$$/comm; done"
                    )
                    .IsSuccess
            );
        }

        var told = lane.Waiting(ThreadChangeKind.Name);
        var lost = lane.Watch.Losses().Lost;
        Assert.InRange(lost, 1UL, 4 * ShareOfNames);
        Assert.InRange((ulong)told.Count + lost, 4 * ShareOfNames, ulong.MaxValue);
        var (other, _) = Foreign.Run("sh", "-c", "printf 'CPU 1/KVM' > /proc/$$/comm");
        Assert.Contains((other, other), lane.Waiting(ThreadChangeKind.Name));
        Assert.Equal(lost, lane.Watch.Losses().Lost);
    }

    [Fact]
    public void A_watched_process_that_is_moved_into_a_cgroup_is_told_with_the_author()
    {
        using var lane = BpfLane.Open(MaskHook.None);
        using var watched = Process.Start("sleep", "600");
        using var group = new AuthorsCgroup("pinagent-moved");
        try
        {
            Assert.True(lane.Watch.Follow([watched.Id]).IsSuccess);

            var (mover, isMoved) = Foreign.Run(
                "sh",
                "-c",
                $"echo {watched.Id} > {group.Folder}/cgroup.procs"
            );

            Assert.True(isMoved);
            var change = lane.Next(ThreadChangeKind.Attach);
            Assert.Equal((watched.Id, mover, "sh"), (change.Number, change.ByPid, change.ByComm));
            Assert.True(change.IsHostNumber);
        }
        finally
        {
            Processes.End(watched.Id);
        }
    }

    private static (string Name, int Tid) Named(BpfLane lane, int tid)
    {
        var change = lane.Next(ThreadChangeKind.Name, tid);
        return (change.Name, change.ByTid);
    }

    // A thread of its own has any name it likes.
    private static void OnThread(Action<int> action)
    {
        Exception? failed = null;
        var thread = new Thread(() =>
        {
            try
            {
                action(
                    int.Parse(Path.GetFileName(new FileInfo("/proc/thread-self").LinkTarget!), null)
                );
            }
            catch (Exception caught)
            {
                failed = caught;
            }
        });
        thread.Start();
        thread.Join();
        if (failed is not null)
        {
            throw new InvalidOperationException("in the thread", failed);
        }
    }
}
