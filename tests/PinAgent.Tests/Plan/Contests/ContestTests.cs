using PinAgent.Model.Vm;
using PinAgent.Plan.Contests;
using Xunit;

namespace PinAgent.Tests.Plan.Contests;

/// <summary>What is remembered of a contest, and for how long.</summary>
public sealed class ContestTests
{
    [Fact]
    public void What_was_put_back_before_a_pass_looked_counts_too()
    {
        var now = TimeSpan.FromHours(1);
        var thread = new ThreadKey(1010, 5);
        var contest = Enumerable
            .Range(0, Contest.Patience)
            .Aggregate(Contest.None, (contest, _) => contest.With([thread], now));

        Assert.True(contest.At(now + (Contest.Window / 2)).IsLost(thread));
        Assert.Equal(Contest.None, contest.At(now + Contest.Window));
    }
}
