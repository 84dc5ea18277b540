using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using PinAgent.Apply;
using PinAgent.Benchmarks.Harness;
using PinAgent.Model.Changes;
using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Observe.Proc;
using PinAgent.Report.Page;
using PinAgent.Report.Status;
using PinAgent.Report.Timeline;
using PinAgent.Report.Waits;

namespace PinAgent.Benchmarks;

/// <summary>
/// What looking costs: reading two hundred vCPUs' waits, as every five seconds, from files that are held open, against opening
/// each; and the page of 80 VMs on 256 CPUs, against the same status as JSON. In this process, where the runtime compiles.
/// </summary>
internal static class See
{
    private const int Vms = 80;
    private const int VcpusOfEach = 3;
    private const int Cpus = 256;
    private const int Followed = 200;
    private const int Changes = 300;

    public static IEnumerable<Figure> Run(Bench bench)
    {
        var waits = Waits(bench);
        yield return new(
            $"Reading how long {Followed} vCPUs waited, as every {WaitHistory.Period.TotalSeconds:0} s: files held open, against opened each time",
            "≤ 0.02 % of one CPU",
            $"{waits}; {Statistics.Short(waits.Ours / WaitHistory.Period.TotalMilliseconds * 100)} % of one CPU, against "
                + $"{Statistics.Short(waits.Others / WaitHistory.Period.TotalMilliseconds * 100)} %"
        );

        var (page, html, json) = Page(bench);
        yield return new(
            $"The page of {Vms} VMs on {Cpus} CPUs, at most every {WaitHistory.Period.TotalSeconds:0} s while somebody looks: against the status as JSON",
            null,
            $"{page}; {Statistics.Short(html / 1024d)} KiB against {Statistics.Short(json / 1024d)} KiB; allocates {Statistics.Short(page.Allocated / 1024)} KiB"
        );
    }

    private static Times Waits(Bench bench)
    {
        using var end = new ManualResetEvent(initialState: false);
        var threads = Enumerable
            .Range(0, Followed)
            .Select(_ => new Thread(() => end.WaitOne(), maxStackSize: 64 * 1024)
            {
                IsBackground = true,
            })
            .ToList();
        threads.ForEach(thread => thread.Start());
        try
        {
            var pid = Environment.ProcessId;
            var node = Node([Vm(pid, [.. Tids().TakeLast(Followed)], firstCpu: 0)]);
            using var opened = new RunDelayReader("/");
            using var held = new KeptRunDelays("/");
            var (before, after) = (new Clock(), new Clock());
            var (other, ours) = (
                new WaitHistory((_, tid) => opened.Read(tid), before),
                new WaitHistory(held.Read, after, held.Keep)
            );
            return Times.Of(
                bench,
                () =>
                {
                    before.Step();
                    other.Sample(node);
                },
                () =>
                {
                    after.Step();
                    ours.Sample(node);
                }
            );
        }
        finally
        {
            end.Set();
            threads.ForEach(thread => thread.Join());
        }
    }

    private static (Times Times, int Html, int Json) Page(Bench bench)
    {
        var clock = new Clock();
        var delay = 0UL;
        var waits = new WaitHistory((pid, tid) => delay += (ulong)(tid % 11 * 1_000_000), clock);
        var node = Node([
            .. Enumerable
                .Range(0, Vms)
                .Select(n =>
                    Vm(
                        10_000 + (100 * n),
                        [.. Enumerable.Range(10_000 + (100 * n) + 10, VcpusOfEach)],
                        firstCpu: VcpusOfEach * n
                    )
                ),
        ]);
        for (var turn = 0; turn < 2 * WaitSeries.Turns; turn++)
        {
            clock.Step();
            waits.Sample(node);
        }

        var timeline = new TimelinePicture(
            clock.GetUtcNow(),
            [
                .. Enumerable
                    .Range(0, Changes)
                    .Select(n => new TimelineEntry(
                        clock.GetUtcNow().AddMinutes(n - Changes),
                        (VmChangeKind)(n % 4),
                        $"tenant/vm-{n % Vms}",
                        $"repaired vcpu 0 ({n}) from 0-255 to 6: somebody had set other masks"
                    )),
            ]
        );
        var (html, json) = (0, 0);
        var times = Times.Of(
            bench,
            () =>
                json = JsonSerializer
                    .SerializeToUtf8Bytes(waits.Add(node), ReportJsonContext.Compact.NodeStatus)
                    .Length,
            () =>
                html = PageRenderer
                    .Render(waits.Add(node), waits.Picture(), timeline)
                    .ToUtf8()
                    .Length
        );
        return (times, html, json);
    }

    private static IEnumerable<int> Tids() =>
        Directory
            .EnumerateDirectories("/proc/self/task")
            .Select(path => int.Parse(Path.GetFileName(path), CultureInfo.InvariantCulture))
            .Order();

    private static NodeStatus Node(VmStatus[] vms) =>
        new()
        {
            Node = "bench",
            Mode = AgentMode.Enforce,
            Topology = TopologyStatus.Of(
                new NodeTopology(
                    Enumerable
                        .Range(0, Cpus)
                        .Select(id => new LogicalCpu(id, id % 128 / 64, id % 128 / 32, id % 64))
                )
            ),
            CpuManager = new CpuManagerStatus(CpuManagerState.Static, CpuSet.Parse("240-255"), []),
            Vms = [.. vms],
            Drift = new DriftStatus(0),
        };

    private static VmStatus Vm(int pid, int[] vcpus, int firstCpu) =>
        new()
        {
            Namespace = "tenant",
            Name = $"vm-{pid}",
            PodUid = null,
            ContainerId = null,
            Pid = pid,
            Source = FactSource.Api,
            Dedicated = true,
            State = VmState.Pinned,
            Reason = null,
            Message = null,
            Advisories = [],
            Cpuset = CpuSet.Of(vcpus.Index().Select(at => (firstCpu + at.Index) % Cpus)),
            Guest = new GuestStatus(1, vcpus.Length, 1, false),
            Threads =
            [
                Thread(pid, ThreadRole.Emulator, null, firstCpu),
                .. vcpus
                    .Index()
                    .Select(at =>
                        Thread(at.Item, ThreadRole.Vcpu, at.Index, (firstCpu + at.Index) % Cpus)
                    ),
            ],
        };

    private static ThreadStatus Thread(int tid, ThreadRole role, int? index, int cpu) =>
        new(
            tid,
            role,
            index,
            role == ThreadRole.Vcpu ? $"CPU {index}/KVM" : "qemu-kvm",
            CpuSet.Of([cpu]),
            CpuSet.Of([cpu]),
            Outcome.AlreadyRight,
            "a CPU to itself"
        );

    /// <summary>A clock on which five seconds pass at a time.</summary>
    private sealed class Clock : TimeProvider
    {
        private long _now;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _now;

        public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch.AddTicks(_now);

        public void Step() => _now += WaitHistory.Period.Ticks;
    }

    /// <summary>Two things that are done many times in turn, in milliseconds for one.</summary>
    private sealed class Times
    {
        private const int Each = 20;

        private readonly Pairs _pairs = new();
        private readonly List<double> _others = [];
        private readonly List<double> _ours = [];

        public double Ours => _ours.Median();

        public double Others => _others.Median();

        public double Allocated { get; private set; }

        public static Times Of(Bench bench, Action other, Action ours)
        {
            var times = new Times();
            for (var round = bench.IsQuick ? -2 : -20; round < bench.Rounds * 3; round++)
            {
                var theirs = Time(other);
                var before = GC.GetAllocatedBytesForCurrentThread();
                var own = Time(ours);
                times.Allocated = (GC.GetAllocatedBytesForCurrentThread() - before) / (double)Each;
                if (round >= 0)
                {
                    times._pairs.Add(theirs, own);
                    times._others.Add(theirs);
                    times._ours.Add(own);
                }
            }

            return times;
        }

        public override string ToString() => $"{_pairs}";

        private static double Time(Action action)
        {
            var began = Stopwatch.GetTimestamp();
            for (var n = 0; n < Each; n++)
            {
                action();
            }

            return Stopwatch.GetElapsedTime(began).TotalMilliseconds / Each;
        }
    }
}
