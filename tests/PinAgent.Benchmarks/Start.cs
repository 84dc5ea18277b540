using PinAgent.Benchmarks.Harness;

namespace PinAgent.Benchmarks;

/// <summary>From the agent's start to its first pass, which pins 50 VMs of ten threads.</summary>
internal static class Start
{
    public static IEnumerable<Figure> Run(Bench bench)
    {
        var took = new List<double>();
        for (var i = 0; i < bench.Rounds; i++)
        {
            using var cpuset = bench.MakeCpuset("0-1");
            using var vms = bench.StartPosed(cpuset, "vms", "--vms", "50", "--threads", "9");
            vms.ReadUntil("made");
            vms.WriteLine("name");
            using var agent = new RunningAgent(bench, "--interval", "3600");
            took.Add(agent.ReadyAfter.TotalMilliseconds);
        }

        yield return new(
            "Start → first pass done, 50 VMs of 10 threads pinned by it",
            "≤ 150 ms",
            took.Spread("ms")
        );
    }
}
