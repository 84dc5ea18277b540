using System.Diagnostics;
using System.Globalization;
using PinAgent.Apply;
using PinAgent.Benchmarks.Harness;
using PinAgent.Loop;
using PinAgent.Model.Node;
using PinAgent.Observe;
using PinAgent.Observe.Events;
using PinAgent.Observe.Files;
using PinAgent.Report;
using PinAgent.State;

namespace PinAgent.Benchmarks;

/// <summary>
/// A full pass over 5,000 threads of 50 VMs that sets nothing, against a program in C that makes its system calls. First
/// the agent as it ships, by its own metric: its first pass. Then the pass alone, in this process, where the runtime has
/// compiled it as it went: what it allocates, and what the pass of each second costs, which looks for changes and finds none.
/// </summary>
internal static class Pass
{
    private const int ThreadsOfEach = 100;

    // Until the runtime has compiled what is often used with care.
    private const int WarmUps = 40;

    public static IEnumerable<Figure> Run(Bench bench)
    {
        using var node = new LargeNode(bench);
        using var vms = node.StartVms(bench, ThreadsOfEach);
        var agent = new Pairs();
        for (var i = 0; i < bench.Rounds; i++)
        {
            agent.Add(ScanInC(bench, node, times: 1), FirstPassOfAgent(bench, node));
        }

        var what = $"{LargeNode.Vms * ThreadsOfEach:N0} threads, {LargeNode.Vms} VMs";
        yield return new(
            $"Full pass over {what}: the agent's first, against C's first",
            "≤ 1.2 × C",
            $"{agent}"
        );

        var (full, unchanged) = (new Pairs(), new Pairs());
        var (allocatedByFull, allocatedByUnchanged) = (new List<double>(), new List<double>());
        var folder = Directory.CreateTempSubdirectory("pinagent-bench-").FullName;
        var state = new AgentState(folder, isInCluster: false);
        using var files = new HostFiles(node.Root);
        var masks = new ImaginedMasks(files);
        for (var i = -(bench.IsQuick ? 1 : WarmUps); i < bench.Rounds; i++)
        {
            using var observer = new NodeObserver(
                files,
                masks,
                "/var/lib/kubelet",
                podCgroup: bench.Group
            );
            var pass = Compose(observer, masks, state);
            var (first, firstBytes, _) = Time(pass.Run);
            var (second, secondBytes) = TimeAtRest(pass);
            if (i >= 0)
            {
                var inC = ScanInC(bench, node, times: 3);
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
            $"The pass of each second, which finds nothing changed, against C's full one; {what}",
            "next to nothing allocated",
            $"{unchanged}; allocates {allocatedByUnchanged.Spread("KiB")}"
        );
    }

    // The last of several in a process of its own.
    private static double ScanInC(Bench bench, LargeNode node, int times)
    {
        var lines = Child.Run(Path.Combine(bench.Programs, "scan"), node.CpusetRoot, $"{times}");
        var fields = lines[^1].Split(' ');
        var threads = int.Parse(fields[1], CultureInfo.InvariantCulture);
        return threads >= LargeNode.Vms * ThreadsOfEach
            ? long.Parse(fields[0], CultureInfo.InvariantCulture) / 1e6
            : throw new InvalidOperationException(
                $"scan: expected at least {LargeNode.Vms * ThreadsOfEach} threads, found {threads}"
            );
    }

    private static double FirstPassOfAgent(Bench bench, LargeNode node)
    {
        using var agent = new RunningAgent(bench, ["--interval", "3600", .. node.AgentArguments]);
        return agent.Metric("resync_duration_seconds_sum")
            / agent.Metric("resync_duration_seconds_count")
            * 1e3;
    }

    private static PinPass Compose(NodeObserver observer, ImaginedMasks masks, AgentState state) =>
        new(
            observer,
            new PlanSettings([Bench.Guest], []),
            new PlanApplier(masks),
            "bench",
            () => new EffectiveMode(AgentMode.Enforce, null),
            state,
            TimeProvider.System
        );

    // VMs that have just begun are looked at anew for some seconds, and a stranger's may change at any time.
    private static (double Milliseconds, long Bytes) TimeAtRest(PinPass pass)
    {
        var before = LookForChanges();
        var (took, bytes) = (0.0, 0L);
        Wait.Until(() =>
        {
            var last = before;
            (took, bytes, before) = Time(LookForChanges);
            return ReferenceEquals(before, last);
        });
        return (took, bytes);

        PassResult LookForChanges() => pass.Run(PassScope.Changes, [], () => []);
    }

    private static (double Milliseconds, long Bytes, PassResult Result) Time(Func<PassResult> pass)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        var began = Stopwatch.GetTimestamp();
        var result = pass();
        return (
            Stopwatch.GetElapsedTime(began).TotalMilliseconds,
            GC.GetAllocatedBytesForCurrentThread() - before,
            result
        );
    }
}
