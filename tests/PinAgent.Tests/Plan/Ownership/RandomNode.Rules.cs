using System.Collections.Immutable;
using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;
using PinAgent.Plan;

namespace PinAgent.Tests.Plan.Ownership;

/// <summary>What always holds.</summary>
internal sealed partial class RandomNode
{
    private void Check(ImmutableArray<VmPlan> plans)
    {
        var placed = plans
            .Where(plan => plan is { Dedicated: true, Placement: not null, Obstacle: null })
            .ToList();
        var used = CpuSet.Empty;
        foreach (var plan in placed)
        {
            // A pod's that has every CPU is on them beside everybody, and says so.
            if (plan.Cpus!.Source == CpuSource.Inherited)
            {
                continue;
            }

            var own = CpuSet.Of(plan.Placement!.Vcpus);
            Expect(
                own.Count == plan.Placement.Vcpus.Length,
                $"{plan.FullName}: two vCPUs on a CPU",
                plans
            );
            Expect(
                !own.Overlaps(used),
                $"{plan.FullName}: on another's CPUs {own.Intersect(used)}",
                plans
            );
            used = used.Union(own);
            if (plan.Cpus.Source == CpuSource.Administrator)
            {
                Expect(
                    own.IsSubsetOf(plan.Cpus.Cpus),
                    $"{plan.FullName}: not where it was told",
                    plans
                );
            }

            foreach (var thread in plan.Threads)
            {
                if (thread.Wanted is not { } wanted || thread.IsConfined)
                {
                    Expect(
                        thread.Thread.Role != ThreadRole.Vcpu
                            || plan.Cpus.Source == CpuSource.Cgroup,
                        $"{plan.FullName}: {thread.Thread.Name} is confined to {thread.Thread.OwnCpuset}",
                        plans
                    );
                    continue;
                }

                Expect(
                    wanted.IsSubsetOf(thread.Thread.OwnCpuset ?? plan.Vm.Cpuset!),
                    $"{plan.FullName}: {thread.Thread.Name} on {wanted}, outside its cgroup {thread.Thread.OwnCpuset ?? plan.Vm.Cpuset!}",
                    plans
                );
            }

            foreach (
                var other in plans.Where(other =>
                    other.Vm.Key != plan.Vm.Key
                    && plan.Cpus.Source == CpuSource.Chosen
                    && other is { Cpus: { IsGiven: true, IsOwnWord: false } }
                    && other.Vm.HasVcpus
                )
            )
            {
                Expect(
                    !own.Overlaps(
                        other.Cpus!.Source == CpuSource.Chosen ? other.VcpuCpus : other.Cpus.Cpus
                    ),
                    $"{plan.FullName}: on CPUs given to {other.FullName}",
                    plans
                );
            }
        }
    }

    private void Check(
        ImmutableArray<VmPlan> plans,
        ImmutableArray<VmPlan> before,
        bool emulators = true
    )
    {
        Check(plans);
        foreach (var (now, then) in plans.Zip(before))
        {
            // Of several with one name the one that is placed first gets the name, and with it the CPUs that are told for it.
            if (
                then is { Dedicated: true, Placement: not null, Obstacle: null }
                && plans
                    .GroupBy(plan => plan.Vm.GuestName?[^1..] ?? plan.Name)
                    .All(name => name.Count() == 1)
            )
            {
                Expect(
                    now.Placement is { } at
                        && at.Vcpus.SequenceEqual(then.Placement.Vcpus)
                        && (!emulators || at.Emulator.Equals(then.Placement.Emulator)),
                    $"{now.FullName}: unchanged, and moved from {string.Join(' ', then.Placement.Vcpus)} / {then.Placement.Emulator}",
                    plans
                );
            }
        }
    }

    private void Expect(bool holds, string message, ImmutableArray<VmPlan> plans)
    {
        if (!holds)
        {
            throw Fail(
                message
                    + "\n"
                    + string.Join(
                        '\n',
                        plans.Select(plan =>
                            $"  {plan.FullName} ({plan.Vm.Key.Pid}) {plan.Standing()} {plan.Cpus?.Source} {plan.Cpuset} own word {plan.Cpus?.IsOwnWord}: {plan.Vcpus()}, emulator {plan.Emulator()} | {plan.Obstacle?.Message}"
                        )
                    )
            );
        }
    }

    private Exception Fail(string message) =>
        new Xunit.Sdk.XunitException(
            $"seed {_seed}, {_whole.Online}, online {_topology.Online}, isolated {_isolated}, init {_initMask}, named {string.Join(", ", _settings.NamedVms.Select(vm => vm.Text))}\n"
                + string.Join('\n', _story)
                + "\n"
                + message
        );
}
