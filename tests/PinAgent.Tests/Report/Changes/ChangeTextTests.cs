using PinAgent.Model.Changes;
using PinAgent.Model.Vm;
using PinAgent.Report.Changes;
using Xunit;

namespace PinAgent.Tests.Report.Changes;

public sealed class ChangeTextTests
{
    [Theory]
    [InlineData(12, "iothread 12 (112) from 0-3 to 1", null)]
    [InlineData(200, " and 188 threads more", "(113)")]
    public void Of_many_threads_the_first_are_told_and_how_many_more(
        int threads,
        string end,
        string? never
    )
    {
        var text = ChangeText.What(
            new VmChange
            {
                At = DateTimeOffset.UnixEpoch,
                Kind = VmChangeKind.ThreadsPlaced,
                Cause = ChangeCause.NewThreads,
                Threads =
                [
                    .. Enumerable
                        .Range(1, threads)
                        .Select(n => new ChangedThread(
                            100 + n,
                            ThreadRole.IoThread,
                            n,
                            "0-3",
                            "1"
                        )),
                ],
            }
        );

        Assert.EndsWith(end, text, StringComparison.Ordinal);
        Assert.Contains("(101)", text, StringComparison.Ordinal);
        Assert.False(never is not null && text.Contains(never, StringComparison.Ordinal));
    }
}
