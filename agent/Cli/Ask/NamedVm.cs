using System.Collections.Immutable;
using PinAgent.Model.Node;
using PinAgent.Model.Text;
using PinAgent.Model.Vm;
using PinAgent.Observe;
using PinAgent.Plan;
using PinAgent.Report.Status;

namespace PinAgent.Cli.Ask;

/// <summary>A VM that runs here, by the names that people know it by.</summary>
/// <param name="Dedicated">Whether it asks for dedicated CPUs.</param>
internal sealed record NamedVm(string Namespace, string Name, int Pid, bool Dedicated)
{
    /// <summary>The namespace and the name.</summary>
    public string FullName => $"{Namespace}/{Name}";

    /// <summary>The VMs that run here: as the agent calls them, or as they are seen where none runs.</summary>
    /// <param name="agent">What the running agent says; null if none does.</param>
    /// <exception cref="InvalidDataException">The processes can't be listed.</exception>
    public static ImmutableArray<NamedVm> All(NodeStatus? agent, NodeObserver observer) =>
        agent is not null
            ? [.. agent.Vms.Select(vm => new NamedVm(vm.Namespace, vm.Name, vm.Pid, vm.Dedicated))]
            :
            [
                .. NodePlanner
                    .Plan(observer.Observe(), PlanSettings.Default, PlanMemory.None)
                    .Plan.Vms.Select(vm => new NamedVm(
                        vm.Namespace,
                        vm.Name,
                        vm.Vm.Key.Pid,
                        vm.Dedicated
                    )),
            ];

    /// <summary>The VM that a text means.</summary>
    /// <param name="problem">Why it isn't exactly one; null if it is.</param>
    public static NamedVm? Choose(string text, ImmutableArray<NamedVm> known, out string? problem)
    {
        var vms = VmNameMatch.Find(text, known, vm => (vm.Namespace, vm.Name, vm.Pid));
        problem = vms.Count switch
        {
            1 => null,
            0 => $"no VM {Words.Shown(text)} runs here: see pinagent status",
            _ =>
                $"--vm {Words.Shown(text)}: several VMs have this name: choose one by its full name or its pid, of "
                    + string.Join(", ", vms.Select(vm => $"{vm.FullName} (pid {vm.Pid})")),
        };
        return problem is null ? vms[0] : null;
    }
}
