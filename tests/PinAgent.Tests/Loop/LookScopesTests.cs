using PinAgent.Loop;
using PinAgent.Observe.Events;
using Xunit;

namespace PinAgent.Tests.Loop;

/// <summary>How far the loop looks each time.</summary>
public sealed class LookScopesTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private readonly LookScopes _scopes = new();
    private TimeSpan _now = TimeSpan.FromHours(1);

    [Fact]
    public void Every_process_is_looked_at_first_and_once_a_minute()
    {
        Assert.Equal(PassScope.Everything, Next());
        for (var i = 1; i < 60; i++)
        {
            Assert.Equal(PassScope.Changes, Next());
        }

        Assert.Equal(PassScope.Everything, Next());
        Assert.Equal(PassScope.Named, Next(PassScope.Named));
    }

    [Fact]
    public void Masks_that_the_kernel_tells_of_are_looked_at_each_five_seconds()
    {
        Assert.Equal(PassScope.Everything, Next(told: true));

        Assert.Equal(
            "Untold Untold Untold Untold Changes Untold Untold Untold Untold Changes",
            string.Join(' ', Enumerable.Range(0, 10).Select(_ => Next(told: true)))
        );
    }

    /// <summary>A cpuset that was written, which may have reset masks, or a VM's first seconds.</summary>
    [Fact]
    public void Whoever_asks_has_all_looked_at_and_so_it_is_where_nobody_tells()
    {
        Next(told: true);
        Assert.Equal(PassScope.Untold, Next(told: true));
        Assert.Equal(PassScope.Changes, Next(told: true, byTime: false));
        Assert.Equal(PassScope.Untold, Next(told: true));
        Assert.Equal(PassScope.Changes, Next(told: false));
    }

    private PassScope Next(
        PassScope asked = PassScope.Changes,
        bool told = false,
        bool byTime = true
    )
    {
        var scope = _scopes.Next(asked, byTime, told, _now);
        _now += Second;
        return scope;
    }
}
