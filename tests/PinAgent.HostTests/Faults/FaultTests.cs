using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Faults;

/// <summary>
/// System calls of the native agent that fail, one in a few, while guests come and go, threads are moved and people ask: no pin is
/// lost, nobody else's thread touched, the agent lives, and afterwards it's as it was.
/// </summary>
[Trait("lane", "faults")]
public sealed class FaultTests(FaultLane lane) : IClassFixture<FaultLane>
{
    private const int MostOfRound = 2_000;

    public static TheoryData<string> Calls => [.. Fault.All.Select(fault => fault.Calls)];

    [Theory(Timeout = Patience.Hang)]
    [MemberData(nameof(Calls))]
    public async Task Calls_that_fail_cost_nobody_a_pin(string calls)
    {
        FaultLane.Require();
        var fault = Fault.All.Single(fault => fault.Calls == calls);
        var random = new Random(lane.Seed);
        await using var scene = await FaultScene.StartAsync();
        var faults = 0;
        for (var round = 0; round < lane.Rounds; round++)
        {
            var step = random.Next(fault.Seldom.Least, fault.Seldom.Most);
            var way = fault.Ways[round % fault.Ways.Length];
            await using (
                var strace = await Strace.AttachAsync(
                    scene.Agent.Pid,
                    calls,
                    way,
                    // Of what is seldom done, the first.
                    first: step < 5 ? 1 : random.Next(1, step + 1),
                    step
                )
            )
            {
                await scene.LiveAsync();
                faults += await strace.DetachAsync();
            }

            await scene.JudgeAfterwardsAsync();
        }

        lane.Count(calls, faults);
        // Whoever tries again without a pause makes hundreds of thousands.
        Assert.InRange(faults, 1, lane.Rounds * MostOfRound);
    }

    [Fact(Timeout = Patience.Hang)]
    public async Task Killed_at_any_call_and_started_again_it_pins_as_before()
    {
        FaultLane.Require();
        string[] calls = ["openat", "read", "sched_setaffinity", "write", "rename", "fsync"];
        var random = new Random(lane.Seed);
        await using var scene = await FaultScene.StartAsync();
        using var state = new TemporaryFolder();
        string[] arguments = [.. scene.Arguments, "--state-dir", state.Path];
        await scene.EndAgentAsync();
        var killed = 0;
        for (var round = 0; round < lane.Rounds; round++)
        {
            var call = calls[round % calls.Length];
            await using (
                var doomed = AgentLoop.Through(
                    [
                        "strace",
                        "-f",
                        "-o",
                        "/dev/null",
                        "-e",
                        $"trace={call}",
                        "-e",
                        $"inject={call}:signal=SIGKILL:when={random.Next(1, 60)}",
                    ],
                    arguments
                )
            )
            {
                try
                {
                    await doomed.WaitForLogAsync("pinned within");
                }
                catch (InvalidOperationException) when (doomed.HasEnded)
                {
                    killed++;
                }

                scene.JudgeStrangers();
            }

            scene.Take(new AgentLoop(arguments));
            await scene.Agent.WaitForLogAsync("pinned within");
            await scene.MoveThreadAsync();
            scene.Judge();
            await scene.EndAgentAsync();
        }

        lane.Count("killed as it began", killed);
    }
}
