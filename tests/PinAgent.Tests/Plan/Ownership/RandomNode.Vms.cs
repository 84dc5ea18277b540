using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Plan;

namespace PinAgent.Tests.Plan.Ownership;

/// <summary>VMs as they begin and change.</summary>
internal sealed partial class RandomNode
{
    private void Begin()
    {
        _pid += _random.Next(20, 200);
        var guest = Pick(Guests);
        var name = Chance(10) ? null : $"{(char)('a' + _random.Next(4))}";
        var vm = Vms.Vm(
                name,
                _topology.Online.ToString(),
                guest,
                _pid,
                _random.Next(4) == 0 ? _random.Next(guest.Vcpus + 1) : null
            )
            .Unconfined();
        vm = _random.Next(6) switch
        {
            0 => Given(vm, Some(_whole.Online)),
            1 => vm.Masked(Some(_topology.Online).ToString()),
            2 => InOwn(vm),
            3 => vm.Running(string.Join(' ', vm.Threads.Select(_ => One(_topology.Online)))),
            _ => vm,
        };
        vm = vm with { IsOfRoot = Chance(2) };
        if (Chance(8))
        {
            vm = vm.InPod($"u{_pid}") with { GuestName = Chance(2) ? name : $"x_{name}" };
        }
        else if (Chance(8))
        {
            vm = vm with
            {
                Cgroup = new CgroupLocation(
                    $"/user.slice/user@1000.service/{_pid}.scope",
                    null,
                    null
                ),
            };
        }

        if (Chance(8))
        {
            var by = Pick([1, 65_535, 9_999_990]);
            vm = vm with
            {
                Threads =
                [
                    .. vm.Threads.Select(thread =>
                        thread.Role == ThreadRole.Vcpu
                            ? thread with
                            {
                                Index = thread.Index + by,
                            }
                            : thread
                    ),
                ],
            };
        }

        if (Chance(4))
        {
            vm = vm.With(
                Vms.Thread(_pid + 5, ThreadRole.IoThread, 1, vm.Cpuset),
                Vms.Thread(_pid + 6, ThreadRole.KvmPit, null, vm.Cpuset)
            );
        }

        _vms.Add(Narrowed(vm));
        Tell(
            $"{name} ({_pid}) begins: {guest}, cpuset {vm.Cpuset}, given {vm.GivenCpuset}, root {vm.IsOfRoot}, threads {string.Join(' ', vm.Threads.Select(thread => $"{thread.Role}{thread.Index}:{thread.Affinity}/{thread.OwnCpuset}"))}"
        );
    }

    private ObservedVm InOwn(ObservedVm vm)
    {
        var same = Chance(2) ? Some(vm.Cpuset ?? _topology.Online) : null;
        return vm with
        {
            Threads =
            [
                .. vm.Threads.Select(thread =>
                    (thread.Role == ThreadRole.Vcpu ? !Chance(6) : Chance(2))
                    && (same ?? Some(vm.Cpuset ?? _topology.Online)) is var own
                        ? thread with
                        {
                            OwnCpuset = own.Equals(vm.Cpuset) ? null : own,
                            Affinity = own,
                        }
                        : thread
                ),
            ],
        };
    }

    private static ObservedVm Given(ObservedVm vm, CpuSet given) =>
        vm with
        {
            GivenCpuset = given,
            Cpuset = given,
        };

    // What the kernel makes of cpusets and masks: only what is online, and never nothing.
    private ObservedVm Narrowed(ObservedVm vm)
    {
        if (vm.Cpuset is null)
        {
            return vm;
        }

        var cpuset = Within(vm.GivenCpuset ?? _topology.Online, _topology.Online);
        return vm with
        {
            Cpuset = cpuset,
            Threads =
            [
                .. vm.Threads.Select(thread =>
                {
                    var own = thread.OwnCpuset is { } set ? Within(set, cpuset) : null;
                    return thread with
                    {
                        OwnCpuset = Equals(own, cpuset) ? null : own,
                        Affinity = Within(thread.Affinity ?? cpuset, own ?? cpuset),
                    };
                }),
            ],
        };
    }

    private static ObservedVm Pinned(ObservedVm vm, VmPlan plan) =>
        vm with
        {
            Threads =
            [
                .. plan.Threads.Select(planned =>
                    planned.Thread with
                    {
                        Affinity =
                            planned.Wanted is { } wanted && !planned.IsConfined
                                ? wanted
                                : planned.Thread.Affinity,
                    }
                ),
            ],
        };

    private ObservedVm Plugged(ObservedVm vm)
    {
        var index = Enumerable
            .Range(0, vm.Guest.Full.Vcpus)
            .Except(
                vm.Threads.Where(thread => thread.Role == ThreadRole.Vcpu)
                    .Select(thread => thread.Index!.Value)
            )
            .DefaultIfEmpty(-1)
            .First();
        return index < 0
            ? vm
            : vm.With(Vms.Thread(++_tid, ThreadRole.Vcpu, index, vm.Threads[0].Affinity));
    }
}
