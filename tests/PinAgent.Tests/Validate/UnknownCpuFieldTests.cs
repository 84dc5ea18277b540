using PinAgent.Observe.Vmi;
using Xunit;

namespace PinAgent.Tests.Validate;

public sealed class UnknownCpuFieldTests
{
    [Theory]
    [InlineData("dedicatedCPUPlacement: true", "dedicatedCpuPlacement is likely meant: no ded")]
    [InlineData("dedicatedCpuPlacment: true", "dedicatedCpuPlacement is likely meant: no ded")]
    [InlineData("isolateEmulatorThreads: true", "isolateEmulatorThread is likely meant")]
    [InlineData("socket: 2", "sockets is likely meant")]
    [InlineData("Cores: 2", "cores is likely meant")]
    [InlineData("numa: {guestMappingPassThrough: {}}", "guestMappingPassthrough is likely meant")]
    [InlineData("realtime: {masks: 0-1}", "mask is likely meant")]
    [InlineData("pinning: true", "knows no field \"pinning\", so it's dropped")]
    public void A_field_that_KubeVirt_does_not_know_is_named_with_the_likely_one(
        string field,
        string expected
    ) => Assert.Contains(expected, Assert.Single(Warnings($"cpu: {{{field}}}")));

    [Fact]
    public void A_stranger_is_like_nothing() =>
        Assert.EndsWith("dropped", Assert.Single(Warnings("cpu: {pinning: true}")));

    [Theory]
    [InlineData("dedicatedCpuPlacement: true", "spec.domain: ")]
    [InlineData("isolateemulatorthread: true", "it belongs into domain.cpu")]
    public void A_field_of_the_cpu_that_stands_beside_it_is_named(string field, string expected) =>
        Assert.Contains(expected, Assert.Single(Warnings(field)));

    [Fact]
    public void Where_dedicated_CPUs_are_asked_for_all_the_same_it_is_not_denied() =>
        Assert.EndsWith(
            "is likely meant",
            Assert.Single(
                Warnings("cpu: {dedicatedCpuPlacement: true, dedicatedCPUPlacement: true}")
            )
        );

    [Fact]
    public void Every_field_that_KubeVirt_knows_is_left_alone() =>
        Assert.Empty(
            Warnings(
                "cpu: {cores: 1, sockets: 1, threads: 1, maxSockets: 2, model: host-model, features: [], "
                    + "dedicatedCpuPlacement: true, isolateEmulatorThread: true, numa: {guestMappingPassthrough: {}}, "
                    + "realtime: {mask: \"0\"}}, ioThreadsPolicy: auto, memory: {guest: 1Gi}"
            )
        );

    [Fact]
    public void Many_and_long_names_are_cut_short()
    {
        var names = string.Join(", ", Enumerable.Range(0, 5000).Select(i => $"x{i}: 1"));

        var warnings = Warnings($"cpu: {{{new string('d', 100_000)}: 1, {names}}}");

        Assert.Equal(9, warnings.Count);
        Assert.All(warnings, warning => Assert.InRange(warning.Length, 1, 200));
        Assert.Equal("4993 more fields that KubeVirt doesn't know", warnings[^1]);
    }

    private static IReadOnlyList<string> Warnings(string domain) =>
        Assert
            .Single(
                VmiReader.Read(
                    $"kind: VirtualMachineInstance\nmetadata: {{name: x}}\nspec: {{domain: {{{domain}}}}}\n",
                    "text"
                )
            )
            .Warnings;
}
