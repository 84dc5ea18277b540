using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Plan.Labels;
using Xunit;

namespace PinAgent.Tests.Plan.Labels;

/// <summary>Whether the CPU manager runs, from observations over time: s(tatic), n(one), a(bsent), u(nknown), d(ra).</summary>
public sealed class CpuManagerHistoryTests
{
    [Theory]
    [InlineData("0u", null)]
    [InlineData("0s", true)]
    [InlineData("0n", false)]
    [InlineData("0a", null)]
    [InlineData("0a 29a", null)]
    [InlineData("0a 30a", false)]
    // A kubelet that starts: it isn't called gone for the hole of 5 s.
    [InlineData("0s 1a 6a", true)]
    [InlineData("0s 1a 6a 7s", true)]
    [InlineData("0s 1a 30a", true)]
    [InlineData("0s 1a 31a", false)]
    [InlineData("0s 1a 31a 32s", true)]
    [InlineData("0s 1a 20s 21a 49a", true)]
    // Half-written, unreadable: the last answer, for as long as it takes.
    [InlineData("0s 1u 1000u", true)]
    [InlineData("0n 1u 1000u", false)]
    [InlineData("0s 1a 20u 31a", true)]
    [InlineData("0s 1n", false)]
    // A DRA driver in the CPU manager's place is no answer: labels stay.
    [InlineData("0d", null)]
    [InlineData("0s 1d 1000d", true)]
    [InlineData("0n 1d 1000d", false)]
    [InlineData("0s 1a 20d 31a", true)]
    public void An_answer_holds_until_there_is_a_better_one(string seen, bool? expected)
    {
        var history = CpuManagerHistory.None;
        foreach (var step in seen.Split(' '))
        {
            history = history.With(
                Observation(step[^1]),
                TimeSpan.FromSeconds(
                    int.Parse(step[..^1], System.Globalization.CultureInfo.InvariantCulture)
                )
            );
        }

        Assert.Equal(expected, history.IsRunning);
    }

    internal static CpuManagerObservation Observation(char kind) =>
        kind switch
        {
            's' => new(
                CpuManagerState.Static,
                new CpuManagerCheckpoint("static", CpuSet.Of(0), []),
                []
            ),
            'n' => new(
                CpuManagerState.None,
                new CpuManagerCheckpoint("none", CpuSet.Parse(""), []),
                []
            ),
            'a' => new(CpuManagerState.None, null, []),
            'd' => new(
                CpuManagerState.Dra,
                new CpuManagerCheckpoint("none", CpuSet.Parse(""), []),
                []
            ),
            _ => new(CpuManagerState.Unknown, null, []),
        };
}
