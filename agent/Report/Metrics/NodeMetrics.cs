using PinAgent.Apply;
using PinAgent.Model.Cpu;
using PinAgent.Model.Kubernetes;
using PinAgent.Model.Node;
using PinAgent.Model.Text;
using PinAgent.Model.Vm;
using PinAgent.Report.Map;
using PinAgent.Report.Status;

namespace PinAgent.Report.Metrics;

/// <summary>
/// The metrics of a node: their number grows by one with each dedicated VM, and by more if that is asked for. Pure.
/// </summary>
internal static class NodeMetrics
{
    /// <summary>The content type of <see cref="Render"/>, without its encoding.</summary>
    public const string ContentType = "text/plain; version=0.0.4";

    /// <summary>All metrics.</summary>
    /// <param name="withVms">Whether each VM has series of its own.</param>
    /// <param name="untold">What wasn't told.</param>
    /// <param name="worstWaits">How many seconds the worst vCPU of each VM has waited; null where nobody has looked.</param>
    public static string Render(
        NodeStatus status,
        PassCounters counters,
        string version,
        bool withVms,
        Untold untold,
        IReadOnlyDictionary<(string Namespace, string Name), double>? worstWaits = null
    )
    {
        var writer = new MetricWriter();
        writer.Gauge("build_info", "Always 1; the labels say what runs.");
        writer.Add(1, ("version", version), ("mode", Word(status.Mode)));
        AddVms(writer, status);
        AddWork(writer, status, counters);
        AddEvents(writer, status);
        AddCpus(writer, status);
        AddUntold(writer, untold);
        AddCluster(writer, status);
        AddWaits(writer, worstWaits);
        if (withVms)
        {
            VmMetrics.AddTo(writer, status);
        }

        return writer.ToString();
    }

    private static void AddVms(MetricWriter writer, NodeStatus status)
    {
        writer.Gauge("vms", "VMs on this node by their state.");
        foreach (var state in Enum.GetValues<VmState>())
        {
            writer.Add(status.Vms.Count(vm => vm.State == state), ("state", state.ToString()));
        }

        writer.Gauge(
            "unpinned_vms",
            "Dedicated VMs that the agent should have pinned and hasn't, by the reason; none if there are none."
        );
        foreach (var (reason, count) in status.Vms.Where(Objective.IsMissed).CountBy(Reason))
        {
            writer.Add(count, ("reason", reason));
        }

        var threads = status
            .Vms.SelectMany(vm => vm.Threads)
            .CountBy(thread => (thread.Role, thread.Outcome))
            .ToDictionary();
        writer.Gauge("threads", "Threads of dedicated VMs by what the last pass did with them.");
        foreach (var role in Enum.GetValues<ThreadRole>())
        {
            foreach (var outcome in Enum.GetValues<Outcome>())
            {
                writer.Add(
                    threads.GetValueOrDefault((role, outcome)),
                    ("role", role.ToWord()),
                    ("outcome", outcome.ToString())
                );
            }
        }

        static string Reason(VmStatus vm) => $"{vm.Reason}";
    }

    private static void AddWork(MetricWriter writer, NodeStatus status, PassCounters counters)
    {
        writer.Counter(
            "drift_repairs_total",
            "Threads whose mask or priority was put right: they had strayed, or their VM was given other CPUs."
        );
        writer.Add(status.Drift.Repairs);
        writer.Counter(
            "foreign_masks_total",
            "Threads put back after another program had set masks, and not by a cpuset."
        );
        writer.Add(counters.ForeignMasks);
        writer.Counter(
            "foreign_masks_by_writer_total",
            "The same by the program's name, where the kernel tells it (--events); none until there is one."
        );
        foreach (var (name, threads) in counters.Writers)
        {
            writer.Add(threads, ("writer", name));
        }

        writer.Counter(
            "unpinned_seconds_total",
            "VM-seconds in which a dedicated VM wasn't pinned that the agent should have pinned."
        );
        writer.Add(counters.Unpinned.TotalSeconds);
        writer.Add(
            "pin_duration_seconds",
            "How long new threads of VMs had had their names when the agent had set their masks.",
            counters.Pins
        );
        writer.Add(
            "resync_duration_seconds",
            "How long the passes took that look for changes or at everything; those for threads that have just named themselves aren't in it.",
            counters.Passes
        );
    }

    private static void AddEvents(MetricWriter writer, NodeStatus status)
    {
        if (status.Events is { } events)
        {
            writer.Gauge(
                "event_source_lost",
                "1 while the kernel doesn't tell of new VMs, so that they are pinned within a period and not at once."
            );
            writer.Add(events.State != EventSourceState.Listening);
            writer.Counter(
                "event_overflows_total",
                "How often the kernel had more new threads to tell of than it could keep."
            );
            writer.Add(events.Overflows);
        }
    }

    private static void AddWaits(
        MetricWriter writer,
        IReadOnlyDictionary<(string Namespace, string Name), double>? waits
    )
    {
        if (waits is { Count: > 0 })
        {
            writer.Counter(
                "vm_worst_wait_seconds_total",
                "How long the vCPU of a dedicated VM that waited longest for its CPU has waited, between any two looks."
            );
            foreach (var (vm, seconds) in waits)
            {
                writer.Add(seconds, ("namespace", vm.Namespace), ("vm", vm.Name));
            }
        }
    }

    private static void AddCpus(MetricWriter writer, NodeStatus status)
    {
        var manager = status.CpuManager;
        writer.Gauge("cpu_manager_state", "1 for the state of the kubelet's CPU manager.");
        foreach (var state in Enum.GetValues<CpuManagerState>())
        {
            writer.Add(manager.State == state, ("state", Word(state)));
        }

        if (manager.State is CpuManagerState.Static or CpuManagerState.None)
        {
            writer.Gauge(
                "cpu_manager_running",
                "Whether the kubelet's CPU manager gives out exclusive CPUs; absent where that can't be told."
            );
            writer.Add(manager.State == CpuManagerState.Static);
        }

        var map = NodeMap.Of(status);
        writer.Gauge("exclusive_cpus", "CPUs that belong to dedicated VMs.");
        writer.Add(map.Cpus.Count(cpu => cpu.Use == CpuUse.Vm));
        if (manager.SharedPool is { } pool)
        {
            writer.Gauge("shared_pool_cpus", "CPUs of the kubelet's shared pool.");
            writer.Add(pool.Count);
        }

        writer.Gauge(
            "violations",
            "CPUs on which a dedicated VM is disturbed, or may be, by kind."
        );
        writer.Add(map.Cpus.Count(cpu => cpu.IsContested), ("kind", "overlap"));
        foreach (var kind in Enum.GetValues<ViolationKind>().Except([ViolationKind.Overlap]))
        {
            var cpus = CpuSet.Of(
                status
                    .Violations.Where(violation => violation.Kind == kind)
                    .SelectMany(violation => violation.Cpus)
            );
            writer.Add(cpus.Count, ("kind", Word(kind)));
        }
    }

    private static void AddUntold(MetricWriter writer, Untold untold)
    {
        writer.Counter(
            "log_lines_dropped_total",
            "Lines of the log that weren't written, as whoever reads it had stopped or was too slow."
        );
        writer.Add(untold.LogLines);
        if (untold.Events is { } dropped)
        {
            writer.Counter(
                "events_dropped_total",
                "Events and changes of pods' annotation that the API server never took."
            );
            writer.Add(dropped);
        }
    }

    private static void AddCluster(MetricWriter writer, NodeStatus status)
    {
        if (status.Cluster is { } cluster)
        {
            writer.Gauge("api_sync", "1 for how current the API server's facts are.");
            foreach (var state in Enum.GetValues<SyncState>())
            {
                writer.Add(cluster.State == state, ("state", Word(state)));
            }
        }

        if (status.Labels.Count > 0)
        {
            writer.Gauge(
                "node_label_wrong",
                "Whether a label of the node isn't what it should be."
            );
            foreach (var (key, label) in status.Labels)
            {
                writer.Add(label.IsWrong, ("label", key));
            }
        }
    }

    // The words of the JSON.
    private static string Word<T>(T value)
        where T : struct, Enum
    {
        var name = value.ToString();
        return char.ToLowerInvariant(name[0]) + name[1..];
    }
}
