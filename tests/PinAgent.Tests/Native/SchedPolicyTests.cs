using PinAgent.NativeInterop;
using Xunit;

namespace PinAgent.Tests.Native;

/// <summary>The kernel's own policies, of a program that the test starts. Nobody needs a right for these.</summary>
public sealed class SchedPolicyTests
{
    private const int Batch = 3;

    [Fact]
    public void Sets_a_policy_and_reads_it_back()
    {
        using var sleep = System.Diagnostics.Process.Start("sleep", "60");
        try
        {
            Assert.True(SchedPolicy.Get(sleep.Id, out var before, out var priority).IsSuccess);
            Assert.Equal((0, 0), (before, priority));

            Assert.True(SchedPolicy.Set(sleep.Id, Batch, 0).IsSuccess);

            Assert.True(SchedPolicy.Get(sleep.Id, out var after, out _).IsSuccess);
            Assert.Equal(Batch, after);
            Assert.Equal(Errno.EINVAL, SchedPolicy.Set(sleep.Id, Batch, 7).Errno);
        }
        finally
        {
            sleep.Kill();
            sleep.WaitForExit();
        }
    }

    [Fact]
    public void A_thread_that_is_gone_is_an_outcome()
    {
        using var ended = System.Diagnostics.Process.Start("true");
        ended.WaitForExit();

        Assert.Equal(Errno.ESRCH, SchedPolicy.Get(ended.Id, out _, out _).Errno);
        Assert.Equal(Errno.ESRCH, SchedPolicy.Set(ended.Id, Batch, 0).Errno);
    }

    [Fact]
    public void The_callers_own_thread_cannot_be_meant() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => SchedPolicy.Set(0, Batch, 0));
}
