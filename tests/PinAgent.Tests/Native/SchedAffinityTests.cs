using PinAgent.Model.Cpu;
using PinAgent.NativeInterop;
using Xunit;

namespace PinAgent.Tests.Native;

/// <summary>The kernel's own masks, of a thread that the test starts.</summary>
public sealed class SchedAffinityTests
{
    [Fact]
    public void Begins_with_no_buffer_at_all_and_grows_it_until_the_kernels_mask_fits()
    {
        using var thread = new IdleThread();
        ulong[] mask = [];

        Assert.True(SchedAffinity.Get(thread.Tid, ref mask).IsSuccess);

        Assert.False(CpuSet.FromMask(mask).IsEmpty);
    }

    [Fact]
    public void Sets_a_mask_and_reads_it_back()
    {
        using var thread = new IdleThread();
        var one = CpuSet.Of(thread.Allowed().First);

        Assert.True(SchedAffinity.Set(thread.Tid, one.Mask).IsSuccess);

        Assert.Equal(one, thread.Allowed());
    }

    [Fact]
    public void Sets_a_mask_that_is_longer_than_any_machine()
    {
        using var thread = new IdleThread();
        var first = thread.Allowed().First;

        // 1,024 CPUs are where glibc's cpu_set_t ends, and CPU 65,535 is where ours does.
        var wide = CpuSet.Of(first, 1023, 1024, CpuSet.MaxId);
        Assert.True(SchedAffinity.Set(thread.Tid, wide.Mask).IsSuccess);

        // The kernel says yes and keeps what exists.
        Assert.Equal(CpuSet.Of(first), thread.Allowed().Except(CpuSet.Of(1023, 1024)));
    }

    [Fact]
    public void Refuses_a_mask_without_any_cpu_of_this_machine()
    {
        using var thread = new IdleThread();

        Assert.Equal(Errno.EINVAL, SchedAffinity.Set(thread.Tid, CpuSet.Empty.Mask).Errno);
        Assert.Equal(
            Errno.EINVAL,
            SchedAffinity.Set(thread.Tid, CpuSet.Of(CpuSet.MaxId).Mask).Errno
        );
    }

    [Fact]
    public void A_thread_that_ended_is_gone_and_no_error_of_ours()
    {
        int tid;
        using (var thread = new IdleThread())
        {
            tid = thread.Tid;
        }

        ulong[] mask = [];
        Assert.Equal(Errno.ESRCH, SchedAffinity.Get(tid, ref mask).Errno);
        Assert.Equal(Errno.ESRCH, SchedAffinity.Set(tid, CpuSet.Of(0).Mask).Errno);
        Assert.True(Errno.ESRCH.MeansGone());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public void The_kernels_word_for_oneself_is_refused(int tid)
    {
        ulong[] mask = [];
        Assert.Throws<ArgumentOutOfRangeException>(() => SchedAffinity.Get(tid, ref mask));
        Assert.Throws<ArgumentOutOfRangeException>(() => SchedAffinity.Set(tid, [1]));
    }

    /// <summary>A thread that waits. Joined at the end, so that its id is free.</summary>
    private sealed class IdleThread : IDisposable
    {
        private readonly ManualResetEventSlim _done = new();
        private readonly Thread _thread;

        public IdleThread()
        {
            using var started = new ManualResetEventSlim();
            _thread = new Thread(() =>
            {
                // /proc/thread-self reads <pid>/task/<tid>.
                Tid = int.Parse(
                    Path.GetFileName(File.ResolveLinkTarget("/proc/thread-self", false)!.Name)
                );
                started.Set();
                _done.Wait();
            });
            _thread.Start();
            started.Wait();
        }

        public int Tid { get; private set; }

        public CpuSet Allowed()
        {
            ulong[] mask = [];
            SchedAffinity.Get(Tid, ref mask).ThrowIfFailed("read the thread's CPUs");
            return CpuSet.FromMask(mask);
        }

        public void Dispose()
        {
            _done.Set();
            _thread.Join();

            // A joined thread may still be leaving the kernel.
            while (Directory.Exists($"/proc/self/task/{Tid}"))
            {
                Thread.Yield();
            }

            _done.Dispose();
        }
    }
}
