using PinAgent.Model;
using Xunit;

namespace PinAgent.Tests.Model;

public sealed class TriggerTests
{
    [Fact(Timeout = 10_000)]
    public async Task Changes_while_nobody_waits_count_once()
    {
        var trigger = new Trigger();
        trigger.Set();
        trigger.Set();

        await trigger.WaitAsync(TestContext.Current.CancellationToken);
        var next = trigger.WaitAsync(TestContext.Current.CancellationToken);
        Assert.False(next.IsCompleted);

        trigger.Set();
        await next;
    }
}
