using PinAgent.Observe.Vmi;
using PinAgent.Plan.Rules;
using PinAgent.Report.Rules;
using Xunit;

namespace PinAgent.Tests.Validate;

/// <summary>The objects of <c>tests/fixtures/cases/validate</c>, judged as KubeVirt's admitters judge them.</summary>
public sealed class RecordedCaseTests
{
    private const string Memory = "spec.domain.resources.requests.memory: FieldValueInvalid";
    private const string Pool = "spec.domain.ioThreads.count: FieldValueInvalid";

    [Theory]
    [InlineData("guest-memory-no-multiple-of-page", Memory)]
    [InlineData("io-threads-policy-unknown", "spec.domain.ioThreadsPolicy: FieldValueInvalid")]
    [InlineData("memory-below-1M", Memory)]
    [InlineData("realtime-mask-number", "spec.domain.cpu.realtime.mask: FieldValueTypeInvalid")]
    [InlineData(
        "sockets-over-max-sockets",
        "spec.template.spec.domain.cpu.sockets: FieldValueInvalid"
    )]
    [InlineData("supplemental-pool-old-count", Pool)]
    [InlineData("supplemental-pool-without-count", Pool)]
    [InlineData("unknown-architecture", "spec.architecture: FieldValueInvalid")]
    public void What_KubeVirt_refuses_is_refused(string name, string cause)
    {
        var verdict = Assert.Single(Judge(name));

        Assert.False(verdict.Valid);
        Assert.Equal([cause], verdict.Causes.Select(one => $"{one.Field}: {one.Reason}"));
    }

    [Fact]
    public void A_misspelt_request_is_valid_and_asks_for_nothing()
    {
        var verdict = Assert.Single(Judge("misspelt-dedicated"));

        Assert.True(verdict.Valid);
        Assert.Equal(0, verdict.Dedicated!.Cpus);
        Assert.Equal(
            "spec.domain.cpu: KubeVirt knows no field \"dedicatedCPUPlacement\", so it's dropped; dedicatedCpuPlacement "
                + "is likely meant: no dedicated CPUs are asked for",
            Assert.Single(verdict.Warnings)
        );
    }

    [Fact]
    public void Pools_and_replica_sets_are_judged_by_their_templates()
    {
        var verdicts = Judge("pool");

        Assert.Equal([false, false], verdicts.Select(one => one.Valid));
        Assert.Equal(
            [
                "spec.virtualMachineTemplate.spec.template.spec.domain.cpu.dedicatedCpuPlacement",
                "spec.template.spec.domain.cpu.isolateEmulatorThread",
            ],
            verdicts.Select(one => Assert.Single(one.Causes).Field)
        );
    }

    [Fact]
    public void A_VM_is_judged_with_the_instancetype_beside_it()
    {
        var verdicts = Judge("vm-with-instancetype");

        Assert.Equal([true, false], verdicts.Select(one => one.Skipped));
        Assert.True(verdicts[1].Valid);
        Assert.Equal(new DedicatedCpusStatus(3, 2, 0, 1), verdicts[1].Dedicated);
        Assert.Empty(verdicts[1].Warnings);
    }

    private static IReadOnlyList<ValidateStatus> Judge(string name)
    {
        var text = RepositoryFiles.Text($"tests/fixtures/cases/validate/{name}.yaml");
        return
        [
            .. VmiReader
                .Read(text, name)
                .Select(document => ValidateStatus.Of(document, new RuleContext())),
        ];
    }
}
