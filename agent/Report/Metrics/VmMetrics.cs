using PinAgent.Model.Text;
using PinAgent.Model.Vm;
using PinAgent.Report.Status;

namespace PinAgent.Report.Metrics;

/// <summary>
/// The series of single VMs. A name that two VMs share, and threads that nothing tells apart, make one series: Prometheus
/// refuses a page that has one twice.
/// </summary>
internal static class VmMetrics
{
    /// <summary>Writes them.</summary>
    public static void AddTo(MetricWriter writer, NodeStatus status)
    {
        writer.Gauge("vm_pinned", "Whether a dedicated VM is pinned that the agent should pin.");
        var concerned = status.Vms.Where(Objective.IsConcerned);
        foreach (var vms in concerned.GroupBy(vm => (vm.Namespace, vm.Name)))
        {
            writer.Add(
                !vms.Any(Objective.IsMissed),
                ("namespace", vms.Key.Namespace),
                ("vm", vms.Key.Name)
            );
        }

        AddRunDelays(writer, status);
        writer.Gauge("thread_cpu", "How many threads of a dedicated VM may run on which CPUs.");
        var threads = status
            .Vms.Where(vm => vm.Dedicated)
            .SelectMany(vm => vm.Threads.Select(thread => (vm, thread)))
            .Where(at => at.thread.Actual is not null)
            .CountBy(at =>
                (
                    at.vm.Namespace,
                    at.vm.Name,
                    Role: at.thread.Role.ToWord(),
                    Index: $"{at.thread.Index}",
                    Cpus: at.thread.Actual!.ToString()
                )
            );
        foreach (var (at, count) in threads)
        {
            writer.Add(
                count,
                ("namespace", at.Namespace),
                ("vm", at.Name),
                ("role", at.Role),
                ("index", at.Index),
                ("cpu", at.Cpus)
            );
        }
    }

    private static void AddRunDelays(MetricWriter writer, NodeStatus status)
    {
        writer.Counter(
            "vcpu_run_delay_seconds_total",
            "How long a dedicated VM's vCPU has waited for its CPU while something else ran there."
        );
        var delays = status
            .Vms.Where(vm => vm.Dedicated)
            .SelectMany(vm => vm.Threads.Select(thread => (vm, thread)))
            .Where(at => at.thread is { Role: ThreadRole.Vcpu, RunDelayNanoseconds: not null })
            .GroupBy(
                at => (at.vm.Namespace, at.vm.Name, Vcpu: $"{at.thread.Index}"),
                at => at.thread.RunDelayNanoseconds!.Value
            );
        foreach (var vcpu in delays)
        {
            writer.Add(
                vcpu.Sum(nanoseconds => nanoseconds / 1e9),
                ("namespace", vcpu.Key.Namespace),
                ("vm", vcpu.Key.Name),
                ("vcpu", vcpu.Key.Vcpu)
            );
        }
    }
}
