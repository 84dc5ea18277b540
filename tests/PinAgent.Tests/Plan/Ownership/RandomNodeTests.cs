using Xunit;

namespace PinAgent.Tests.Plan.Ownership;

/// <summary>
/// What holds on every plain host, whatever its VMs are and whatever happens to them between two passes: machines, VMs and
/// changes are drawn at random.
/// </summary>
public sealed class RandomNodeTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Whatever_happens_the_rules_hold(int quarter)
    {
        for (var seed = quarter * 500; seed < (quarter + 1) * 500; seed++)
        {
            new RandomNode(seed).Run(passes: 8);
        }
    }
}
