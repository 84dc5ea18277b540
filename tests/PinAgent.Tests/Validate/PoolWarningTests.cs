using PinAgent.Model.Kubernetes;
using PinAgent.Plan.Rules;
using Xunit;

namespace PinAgent.Tests.Validate;

/// <summary>
/// Where the CPUs that KubeVirt asks for aren't those that the VM needs. Its sum was read off its <c>WithCPUPinning</c>
/// (August 2026); no KubeVirt was asked.
/// </summary>
public sealed class PoolWarningTests
{
    [Theory]
    [InlineData(4, 1, "KubeVirt asks for 7 CPUs, and the VM needs 6: make their number even")]
    [InlineData(3, 1, "KubeVirt asks for 5 CPUs, and the VM needs 6: make their number even, or")]
    public void An_odd_pool_with_even_parity_is_warned_of(uint vcpus, uint pool, string expected) =>
        Assert.Contains(expected, Assert.Single(Warnings(vcpus, pool)));

    [Theory]
    [InlineData(4, 2)]
    [InlineData(3, 2)]
    public void An_even_one_is_not(uint vcpus, uint pool) => Assert.Empty(Warnings(vcpus, pool));

    [Fact]
    public void Without_even_parity_none_is() =>
        Assert.Empty(
            DedicatedWarnings.Of(
                Vmi(4, 1) with
                {
                    EmulatorThreadCompleteToEvenParity = false,
                },
                new RuleContext()
            )
        );

    [Fact]
    public void A_pool_that_no_policy_uses_takes_CPUs_for_nothing()
    {
        var vmi = Vmi(4, 2) with { IoThreadsPolicy = "auto" };

        Assert.Contains(
            "KubeVirt asks for 2 CPUs more",
            Assert.Single(DedicatedWarnings.Of(vmi, new RuleContext()))
        );
        Assert.Equal(8, RenderedCpus.Of(vmi).Total);
    }

    private static IReadOnlyList<string> Warnings(uint vcpus, uint pool) =>
        DedicatedWarnings.Of(Vmi(vcpus, pool), new RuleContext());

    private static VmiSpec Vmi(uint vcpus, uint pool) =>
        new()
        {
            DedicatedCpuPlacement = true,
            Sockets = vcpus,
            IsolateEmulatorThread = true,
            EmulatorThreadCompleteToEvenParity = true,
            IoThreadsPolicy = VmiSpec.SupplementalPool,
            SupplementalPoolThreadCount = pool,
        };
}
