using PinAgent.Apply;
using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Plan;
using PinAgent.Report.Status;
using PinAgent.Tests.Plan;
using PinAgent.Tests.Report.Page;

namespace PinAgent.Tests.Apply;

/// <summary>
/// A VM of two vCPUs (tids 1010 and 1011, wanted on 0 and 8) with an emulator (1000), a helper (1001), both wanted on CPU 1,
/// and a vhost kernel thread (3001), planned and ready to be applied.
/// </summary>
internal sealed class AppliedVm
{
    public const int Emulator = 1000;
    public const int Helper = 1001;
    public const int Vcpu0 = 1010;
    public const int Vcpu1 = 1011;
    public const int Vhost = 3001;

    public AppliedVm(Func<VmThread, VmThread>? change = null)
    {
        var all = CpuSet.Parse("0-1,8");
        var vhost = Vms.Thread(Vhost, ThreadRole.Vhost, null, all) with
        {
            IsKernelProcess = true,
            Comm = "vhost-1000",
        };
        var vm = Vms.Vm("vm1", "0-1,8", new GuestTopology(1, 1, 2)).With(vhost);
        vm = vm with { Threads = [.. vm.Threads.Select(change ?? (thread => thread))] };
        foreach (var thread in vm.Threads)
        {
            Kernel.Add(thread, thread.IsKernelProcess ? thread.Tid : vm.Key.Pid);
        }

        Plan = new Node().PassOne(vm);
    }

    public FakeKernel Kernel { get; } = new();

    public VmPlan Plan { get; init; }

    /// <summary>Every thread is where it belongs already.</summary>
    public static AppliedVm Pinned(Func<VmThread, VmThread>? but = null) =>
        new(thread =>
        {
            var pinned = thread with
            {
                Affinity = thread.Tid switch
                {
                    Vcpu0 => CpuSet.Of(0),
                    Vcpu1 => CpuSet.Of(8),
                    _ => CpuSet.Of(1),
                },
            };
            return but?.Invoke(pinned) ?? pinned;
        });

    public VmOutcome Apply(AgentMode mode = AgentMode.Enforce) =>
        new PlanApplier(Kernel).Apply(Plan, mode);

    public VmStatus Status(AgentMode mode = AgentMode.Enforce) => StatusBuilder.Build(Apply(mode));
}

internal static class VmOutcomeText
{
    /// <summary>The outcome of one thread.</summary>
    public static PinOutcome Of(this VmOutcome outcome, int tid) =>
        outcome.Threads.Single(thread => thread.Planned.Thread.Tid == tid);

    /// <summary>The outcomes in the plan's order.</summary>
    public static string All(this VmOutcome outcome) =>
        string.Join(' ', outcome.Threads.Select(thread => thread.Outcome?.ToString() ?? "-"));
}
