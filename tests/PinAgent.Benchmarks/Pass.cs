using System.Diagnostics;
using System.Globalization;
using PinAgent.Apply;
using PinAgent.Benchmarks.Harness;
using PinAgent.HostTests;
using PinAgent.Model;
using PinAgent.Observe;
using PinAgent.Plan;
using PinAgent.State;

namespace PinAgent.Benchmarks;

/// <summary>
/// A full pass over 5,000 threads of 50 VMs, against a program in C that makes the same system calls. First the agent as it
/// ships, by its own metric: its first pass, all masks being right already. Then the pass alone, in this process, where it
/// has been compiled by need: what it allocates, and what a second one costs that finds nothing changed.
/// </summary>
internal static class Pass
{
    private const int Vms = 50;
    private const int ThreadsOfEach = 100;

    // Until the runtime has compiled what is often used with care.
    private const int WarmUps = 40;

    public static IEnumerable<Figure> Run(Bench bench)
    {
        using var cpuset = bench.MakeCpuset("0-1");
        using var vms = bench.StartPosed(
            cpuset,
            "vms",
            "--vms",
            $"{Vms}",
            "--threads",
            $"{ThreadsOfEach - 1}"
        );
        vms.ReadUntil("made");
        vms.WriteLine("name");
        var scan = new Pairs();
        using (var pinned = new RunningAgent(bench))
        {
            vms.ReadUntil("pinned");
        }

        for (var i = 0; i < bench.Rounds; i++)
        {
            scan.Add(ScanInC(bench, cpuset, 1), FirstPassOfAgent(bench));
        }

        var what = $"{Vms * ThreadsOfEach:N0} threads, {Vms} VMs";
        yield return new(
            $"Full pass over {what}: the agent's first, against C's first",
            "≤ 1.2 × C",
            scan.ToString()
        );

        var (full, unchanged) = (new Pairs(), new Pairs());
        var (allocatedByFull, allocatedByUnchanged) = (new List<double>(), new List<double>());
        var folder = Directory.CreateTempSubdirectory("pinagent-bench-").FullName;
        var state = new AgentState(folder, isInCluster: false);
        for (var i = -(bench.IsQuick ? 1 : WarmUps); i < bench.Rounds; i++)
        {
            using var files = new HostFiles();
            var pass = Compose(files, state);
            var (first, firstBytes) = Time(pass);
            var (second, secondBytes) = Time(pass);
            if (i >= 0)
            {
                var inC = ScanInC(bench, cpuset, 3);
                full.Add(inC, first);
                unchanged.Add(inC, second);
                allocatedByFull.Add(firstBytes / 1024d);
                allocatedByUnchanged.Add(secondBytes / 1024d);
            }
        }

        Directory.Delete(folder, recursive: true);
        yield return new(
            $"The same, warm, in the benchmark's process (JIT); {what}",
            "≤ 1.2 × C",
            $"{full}; allocates {allocatedByFull.Spread("KiB")}"
        );
        yield return new(
            $"A second pass that finds nothing changed, against C's full one; {what}",
            "next to nothing allocated",
            $"{unchanged}; allocates {allocatedByUnchanged.Spread("KiB")}"
        );
    }

    // The last of several in a process of its own.
    private static double ScanInC(Bench bench, Cpuset cpuset, int times)
    {
        var root = cpuset.Folder[..^cpuset.Path.Length];
        var lines = Child.Run(Path.Combine(bench.Programs, "scan"), root, $"{times}");
        var fields = lines[^1].Split(' ');
        var threads = int.Parse(fields[1], CultureInfo.InvariantCulture);
        return threads >= Vms * ThreadsOfEach
            ? long.Parse(fields[0], CultureInfo.InvariantCulture) / 1e6
            : throw new InvalidOperationException(
                $"scan: expected at least {Vms * ThreadsOfEach} threads, found {threads}"
            );
    }

    private static double FirstPassOfAgent(Bench bench)
    {
        using var agent = new RunningAgent(bench, "--interval", "3600");
        return agent.Metric("resync_duration_seconds_sum")
            / agent.Metric("resync_duration_seconds_count")
            * 1e3;
    }

    private static PinPass Compose(HostFiles files, AgentState state) =>
        new(
            new NodeObserver(files, new LiveAffinityReader(), "/var/lib/kubelet"),
            new PlanSettings([Bench.Guest], []),
            Placer.Default,
            new PlanApplier(new KernelThreadAffinity(files)),
            "bench",
            () => new EffectiveMode(AgentMode.Enforce, null),
            state
        );

    private static (double Milliseconds, long Bytes) Time(PinPass pass)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        var began = Stopwatch.GetTimestamp();
        pass.Run();
        return (
            Stopwatch.GetElapsedTime(began).TotalMilliseconds,
            GC.GetAllocatedBytesForCurrentThread() - before
        );
    }
}
