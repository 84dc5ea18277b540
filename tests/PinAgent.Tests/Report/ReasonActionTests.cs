using PinAgent.Model.Vm;
using PinAgent.Report.Status;
using Xunit;

namespace PinAgent.Tests.Report;

/// <summary>What to do about a VM that isn't pinned.</summary>
public sealed class ReasonActionTests
{
    [Theory]
    [MemberData(nameof(Reasons))]
    public void Every_reason_has_a_sentence_that_says_what_to_do(Reason reason)
    {
        var action = ReasonActions.Of(reason);

        Assert.Matches(@"\A[A-Z].{20,}\.\z", action);
    }

    public static TheoryData<Reason> Reasons => [.. Enum.GetValues<Reason>()];
}
