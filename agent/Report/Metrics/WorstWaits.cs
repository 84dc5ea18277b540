using PinAgent.Model.Vm;
using PinAgent.Report.Status;

namespace PinAgent.Report.Metrics;

/// <summary>
/// For each dedicated VM one figure of how long it has waited for CPUs: between two samples what the vCPU had waited that
/// waited longest, added up. A mean over its vCPUs would hide the one that holds up the guest, and a series for each is many.
/// Sampled by whoever asks for metrics, so that an agent that nobody asks reads nothing. Not safe for use by several threads.
/// </summary>
internal sealed class WorstWaits
{
    private Dictionary<(int Pid, int Tid), ulong> _before = [];
    private Dictionary<(string Namespace, string Name), double> _seconds = [];

    /// <summary>The figures after one more sample, in seconds: those of VMs that are there, and whose waits the kernel tells.</summary>
    public IReadOnlyDictionary<(string Namespace, string Name), double> After(NodeStatus sample)
    {
        var now = new Dictionary<(int Pid, int Tid), ulong>();
        var seconds = new Dictionary<(string Namespace, string Name), double>();
        foreach (var vm in sample.Vms.Where(vm => vm.Dedicated))
        {
            ulong? worst = null;
            foreach (var thread in vm.Threads.Where(thread => thread.Role == ThreadRole.Vcpu))
            {
                if (thread.RunDelayNanoseconds is { } waited)
                {
                    now[(vm.Pid, thread.Tid)] = waited;
                    // A counter that went back is another thread's with the same id.
                    var more =
                        _before.TryGetValue((vm.Pid, thread.Tid), out var then) && waited >= then
                            ? waited - then
                            : 0;
                    worst = Math.Max(worst ?? 0, more);
                }
            }

            if (worst is { } nanoseconds)
            {
                // Two VMs of one name, as during a migration on one node, make one series: the worse of the two.
                var name = (vm.Namespace, vm.Name);
                var total = _seconds.GetValueOrDefault(name) + (nanoseconds / 1e9);
                seconds[name] = Math.Max(seconds.GetValueOrDefault(name), total);
            }
        }

        (_before, _seconds) = (now, seconds);
        return seconds;
    }
}
