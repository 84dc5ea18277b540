using PinAgent.Observe.Events.Foreign;
using Xunit;

namespace PinAgent.Tests.Observe.Events.Foreign;

public sealed class WatchedNumbersTests
{
    [Fact]
    public void A_number_means_every_thread_that_has_it_in_any_namespace()
    {
        var numbers = new WatchedNumbers([
            new(4711, [4711, 85]),
            new(4712, [4712, 85]),
            new(85, [85]),
        ]);

        Assert.Equal([4711, 4712, 85], numbers.ThreadsOf(85, isHostNumber: false).ToArray());
        Assert.Equal([4711], numbers.ThreadsOf(4711, isHostNumber: false).ToArray());
        Assert.Equal([85, 4711, 4712], numbers.All.Order());
    }

    [Fact]
    public void A_number_of_the_machines_own_means_one_thread_only()
    {
        var numbers = new WatchedNumbers([new(4711, [4711, 85]), new(85, [85])]);

        Assert.Equal([85], numbers.ThreadsOf(85, isHostNumber: true).ToArray());
        Assert.Empty(numbers.ThreadsOf(99, isHostNumber: true).ToArray());
        Assert.Empty(numbers.ThreadsOf(99, isHostNumber: false).ToArray());
    }

    [Fact]
    public void A_number_that_too_many_have_costs_no_more_for_more_of_them()
    {
        var numbers = new WatchedNumbers(
            Enumerable.Range(1000, 1000).Select(tid => new WatchedThread(tid, [tid, 7]))
        );

        Assert.Equal(
            WatchedNumbers.MostForNumber,
            numbers.ThreadsOf(7, isHostNumber: false).Length
        );
        Assert.Equal([1999], numbers.ThreadsOf(1999, isHostNumber: false).ToArray());
    }
}
