using PinAgent.Benchmarks.Harness;

namespace PinAgent.Benchmarks;

/// <summary>From the agent's start to its first pass, which plans 50 VMs of ten threads.</summary>
internal static class Start
{
    public static IEnumerable<Figure> Run(Bench bench)
    {
        var took = new List<double>();
        using var node = new LargeNode(bench);
        using var vms = node.StartVms(bench, threads: 10);
        for (var i = 0; i < bench.Rounds; i++)
        {
            using var agent = new RunningAgent(
                bench,
                ["--interval", "3600", .. node.AgentArguments]
            );
            took.Add(agent.ReadyAfter.TotalMilliseconds);
        }

        yield return new(
            $"Start → first pass done, {LargeNode.Vms} VMs of 10 threads",
            "≤ 150 ms",
            took.Spread("ms")
        );
    }
}
