using PinAgent.Model.Kubernetes;
using PinAgent.Plan.Labels;
using PinAgent.Report.Cluster;
using PinAgent.Tests.Report.Cluster;
using Xunit;

namespace PinAgent.Tests.Plan.Labels;

/// <summary>What to do about labels <c>a</c> and <c>b</c>.</summary>
public sealed class LabelDecisionTests
{
    [Theory]
    // The CPU manager runs.
    [InlineData(true, "", "Apply a b")]
    [InlineData(true, "a=true@pinagent! b=true@pinagent!", "Nothing")]
    [InlineData(true, "a=true@pinagent!", "Apply a b")]
    [InlineData(true, "a=true@kubectl-label b=true@kubectl-label", "Nothing")]
    [InlineData(true, "a=true@kubectl-label", "Apply b")]
    [InlineData(true, "a=false b=yes", "Apply a b")]
    [InlineData(
        true,
        "a=false@virt-handler b=false@virt-handler",
        "ReportWrong a:virt-handler b:virt-handler"
    )]
    [InlineData(true, "a=false@kubectl-label", "Apply b a:kubectl-label")]
    [InlineData(true, "a=true@pinagent! b=true@pinagent! old=true@pinagent!", "Apply a b")]
    [InlineData(true, "a=true b=true old=true@pinagent!", "GiveUp")]
    // It doesn't.
    [InlineData(false, "", "Nothing")]
    [InlineData(false, "a=false@virt-handler b=false@kubectl-label", "Nothing")]
    [InlineData(false, "a=yes@kubectl-label", "Nothing")]
    [InlineData(false, "a=true@pinagent! b=true@pinagent!", "GiveUp")]
    [InlineData(false, "a=true@pinagent! b=true@kubectl-label", "GiveUp b:kubectl-label")]
    [InlineData(false, "a=true@kubectl-label,pinagent!", "GiveUp")]
    [InlineData(false, "a=true@kubectl-label", "ReportWrong a:kubectl-label")]
    [InlineData(false, "a=true", "ReportWrong a:")]
    // Of the same name, but not by apply: not ours.
    [InlineData(false, "a=true@pinagent", "ReportWrong a:pinagent")]
    // It isn't known.
    [InlineData(null, "", "Nothing")]
    [InlineData(null, "a=true@pinagent! b=true@kubectl-label", "Nothing")]
    public void Labels_that_are_managed(bool? isRunning, string labels, string expected) =>
        Assert.Equal(expected, Decide(isRunning, FeatureGate.On, LabelMode.Manage, labels));

    [Theory]
    [InlineData(LabelMode.Auto, "", "Nothing")]
    [InlineData(LabelMode.Auto, "a=true@kubectl-label", "Nothing")]
    [InlineData(LabelMode.Auto, "a=true@kubectl-label b=true@pinagent!", "GiveUp")]
    [InlineData(LabelMode.Manage, "a=false@virt-handler b=true@pinagent!", "GiveUp")]
    [InlineData(LabelMode.Observe, "a=true@kubectl-label b=true@pinagent!", "Nothing")]
    public void A_gate_that_is_off_gives_up_ours_and_nothing_else(
        LabelMode mode,
        string labels,
        string expected
    )
    {
        foreach (bool? isRunning in new bool?[] { true, false, null })
        {
            Assert.Equal(expected, Decide(isRunning, FeatureGate.Off, mode, labels));
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("a=true@pinagent! b=true@kubectl-label")]
    public void A_gate_that_is_not_known_changes_nothing(string labels)
    {
        foreach (var mode in Enum.GetValues<LabelMode>())
        {
            Assert.Equal("Nothing", Decide(true, FeatureGate.Unknown, mode, labels));
            Assert.Equal("Nothing", Decide(false, FeatureGate.Unknown, mode, labels));
        }
    }

    [Theory]
    [InlineData(true, "", "ReportWrong a: b:")]
    [InlineData(true, "a=true@virt-handler b=false@virt-handler", "ReportWrong b:virt-handler")]
    [InlineData(true, "a=true@virt-handler b=true@virt-handler", "Nothing")]
    [InlineData(false, "a=true@virt-handler b=false@virt-handler", "ReportWrong a:virt-handler")]
    [InlineData(false, "a=true@pinagent!", "ReportWrong a:pinagent")]
    [InlineData(false, "a=false@virt-handler", "Nothing")]
    [InlineData(false, "", "Nothing")]
    public void Labels_that_are_observed(bool isRunning, string labels, string expected)
    {
        Assert.Equal(expected, Decide(isRunning, FeatureGate.On, LabelMode.Observe, labels));
        Assert.Equal(
            expected,
            Decide(isRunning, FeatureGate.On, LabelMode.Auto, labels, heartbeat: 60)
        );
    }

    [Theory]
    // KubeVirt up to 1.7 writes the first alone. (Seen by hand on 1.9, both; the older by its source.)
    [InlineData(true, "a=true@virt-handler", "Nothing")]
    [InlineData(true, "a=false@virt-handler", "ReportWrong a:virt-handler")]
    [InlineData(false, "a=true@virt-handler", "ReportWrong a:virt-handler")]
    [InlineData(false, "a=false@virt-handler b=true@kubectl-label", "Nothing")]
    // One that writes the second alone.
    [InlineData(true, "b=true@virt-handler", "Nothing")]
    [InlineData(false, "a=true@kubectl-label b=true@virt-handler", "ReportWrong b:virt-handler")]
    // Who writes what is there already doesn't become its owner.
    [InlineData(true, "a=true@kubectl-label", "Nothing")]
    [InlineData(true, "a=true@virt-handler,kubectl-label b=true@pinagent!", "Nothing")]
    public void A_label_that_the_live_virt_handler_never_writes_is_not_wrong(
        bool isRunning,
        string labels,
        string expected
    ) =>
        Assert.Equal(
            expected,
            Decide(isRunning, FeatureGate.On, LabelMode.Auto, labels, heartbeat: 60)
        );

    [Fact]
    public void What_virt_handler_never_writes_is_what_its_being_alive_says()
    {
        // Nobody writes the second, and nobody is there who would write the first.
        Assert.Equal(
            "ReportWrong b:",
            Decide(true, FeatureGate.On, LabelMode.Observe, "a=true@virt-handler", heartbeat: 3600)
        );
        var node = LabelNode.Read("a=true@virt-handler");
        var decision = LabelDecision.Decide(
            new(true, FeatureGate.On),
            new(LabelMode.Auto, ["a", "b"]),
            node,
            hasLiveHandler: true
        );

        // The alert goes by what is wanted.
        Assert.DoesNotContain(LabelStatus.Of(decision).Values, label => label.IsWrong);
        Assert.Equal(
            "the CPU manager runs; virt-handler is alive and sets the labels, but for b",
            decision.Message
        );
    }

    [Theory]
    [InlineData(LabelMode.Auto, null, true)]
    [InlineData(LabelMode.Auto, 0, false)]
    [InlineData(LabelMode.Auto, 299, false)]
    [InlineData(LabelMode.Auto, 300, true)]
    [InlineData(LabelMode.Auto, -60, false)]
    [InlineData(LabelMode.Auto, -86400, true)]
    [InlineData(LabelMode.Manage, 60, true)]
    [InlineData(LabelMode.Observe, null, false)]
    public void A_live_virt_handler_is_left_to_it(LabelMode mode, int? heartbeat, bool isManaged) =>
        Assert.Equal(
            isManaged ? "Apply a b" : "ReportWrong a: b:",
            Decide(true, FeatureGate.On, mode, "", heartbeat)
        );

    [Fact]
    public void A_wrong_label_is_told_with_its_owner_and_both_values()
    {
        var wrong = LabelDecision
            .Decide(
                new(true, FeatureGate.On),
                new(LabelMode.Manage, ["a"]),
                LabelNode.Read("a=false@kubectl-label"),
                hasLiveHandler: true
            )
            .Labels[0];

        Assert.Equal(("true", "false", "kubectl-label"), (wrong.Wanted, wrong.Actual, wrong.Owner));
        Assert.Equal(
            "\"false\", set by kubectl-label; the CPU manager runs, so it should be \"true\"",
            wrong.Problem
        );
    }

    private static string Decide(
        bool? isRunning,
        FeatureGate gate,
        LabelMode mode,
        string labels,
        int? heartbeat = null
    )
    {
        var node = LabelNode.Read(
            labels,
            heartbeat is { } seconds ? TimeSpan.FromSeconds(seconds) : null
        );
        var decision = LabelDecision.Decide(
            new(isRunning, gate),
            new(mode, ["a", "b"]),
            node,
            node.HasLiveHandler(LabelNode.Now)
        );
        return string.Join(
            ' ',
            [
                $"{decision.Action}",
                .. decision.Keys,
                .. decision
                    .Labels.Where(label => label.Problem is not null)
                    .Select(label => $"{label.Key}:{label.Owner}"),
            ]
        );
    }
}
