using PinAgent.Model.Kubernetes;
using PinAgent.Observe.Vmi;
using PinAgent.Plan.Rules;
using PinAgent.Report.Rules;
using Xunit;

namespace PinAgent.Tests.Validate;

public sealed class DedicatedRulesTests
{
    public static TheoryData<string> Cases => ValidateCase.Names;

    public static TheoryData<string> Rules => [.. DedicatedRules.Table.Select(rule => rule.Id)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Every_object_of_the_shared_table_gets_its_causes_in_order(string name)
    {
        var expected = ValidateCase.Named(name);

        var verdict = ValidateStatus.Of(VmiReader.Read(expected.Text, name)[0], new RuleContext());

        Assert.Equal(
            expected.Causes,
            verdict.Causes.Select(cause => $"{cause.Field}: {cause.Reason}")
        );
        Assert.Equal(expected.Valid, verdict.Valid);
        Assert.Equal(expected.Warnings.Count, verdict.Warnings.Count);
        Assert.All(
            expected.Warnings.Zip(verdict.Warnings),
            pair => Assert.Contains(pair.First, pair.Second)
        );
    }

    [Theory]
    [MemberData(nameof(Rules))]
    public void Every_rule_is_broken_by_an_example_and_kept_by_another(string id)
    {
        var rule = DedicatedRules.Table.Single(one => one.Id == id);
        var vmis = ValidateCase
            .All.Select(one => VmiReader.Read(one.Text, one.Name)[0].Vmi)
            .OfType<VmiSpec>()
            .ToList();

        Assert.Contains(vmis, vmi => rule.Break(vmi) is { Length: > 20 });
        Assert.Contains(vmis, vmi => vmi.DedicatedCpuPlacement && rule.Break(vmi) is null);
    }

    [Theory]
    [InlineData(FeatureGate.On, 0, "")]
    [InlineData(FeatureGate.Off, 1, "is off")]
    [InlineData(FeatureGate.Unknown, 1, "can't be seen")]
    public void Hook_sidecars_are_warned_of_while_their_gate_is_not_known_to_be_on(
        FeatureGate gate,
        int warnings,
        string text
    )
    {
        var findings = DedicatedRules.Check(
            new VmiSpec { HasHookSidecars = true },
            new RuleContext(gate)
        );

        Assert.Equal(warnings, findings.Warnings.Count(warning => warning.Contains(text)));
    }

    [Fact]
    public void A_cause_says_what_was_found_and_what_to_do()
    {
        var findings = DedicatedRules.Check(
            new VmiSpec
            {
                DedicatedCpuPlacement = true,
                GuestMemory = Quantity.Parse("1Gi"),
                CpuLimit = Quantity.Parse("1500m"),
                SpecPath = "spec.template.spec",
            },
            new RuleContext()
        );

        var cause = Assert.Single(findings.Causes);
        Assert.Equal("spec.template.spec.domain.resources.limits.cpu", cause.Field);
        Assert.Equal(
            "expected the CPU limit to be a whole number, found \"1500m\": the kubelet gives exclusive CPUs to whole "
                + "numbers only, so make it 2",
            cause.Message
        );
    }

    [Theory]
    [InlineData(2, 3, 2, null, null, 12)]
    [InlineData(0, 3, 0, "8", "8", 3)]
    [InlineData(0, 0, 2, null, null, 2)]
    [InlineData(0, 0, 0, "8", "6", 6)]
    [InlineData(0, 0, 0, "8", null, 8)]
    [InlineData(0, 0, 0, null, "1500m", 2)]
    [InlineData(0, 0, 0, null, "-3", 1)]
    [InlineData(0, 0, 0, null, null, 1)]
    public void The_vcpus_are_the_topologys_else_the_limits_else_the_requests(
        uint sockets,
        uint cores,
        uint threads,
        string? request,
        string? limit,
        int expected
    )
    {
        var vmi = new VmiSpec
        {
            Sockets = sockets,
            Cores = cores,
            Threads = threads,
            CpuRequest = request is null ? null : Quantity.Parse(request),
            CpuLimit = limit is null ? null : Quantity.Parse(limit),
        };

        Assert.Equal((UInt128)expected, vmi.Vcpus);
    }

    [Fact]
    public void The_largest_topology_there_can_be_is_counted_right()
    {
        var vmi = new VmiSpec
        {
            Sockets = uint.MaxValue,
            Cores = uint.MaxValue,
            Threads = uint.MaxValue,
        };

        Assert.Equal((UInt128)uint.MaxValue * uint.MaxValue * uint.MaxValue, vmi.Vcpus);
    }
}
