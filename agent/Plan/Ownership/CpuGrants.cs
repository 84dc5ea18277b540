using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;
using PinAgent.Plan.Dedication;

namespace PinAgent.Plan.Ownership;

/// <summary>
/// Which CPUs somebody has given to a VM, and who: the administrator by name; whoever has written its cgroup's cpuset, or those
/// of its threads' own cgroups; or whoever has started QEMU with a mask. Pure.
/// </summary>
internal static class CpuGrants
{
    /// <summary>The CPUs of a VM in a pod: its container's.</summary>
    public static VmCpus? OfContainer(ObservedVm vm) =>
        vm.Cpuset is not { } cpuset
            ? null
            : new(cpuset, vm.GivenCpuset is null ? CpuSource.Inherited : CpuSource.Cgroup);

    /// <summary>The CPUs of a plain host's VM.</summary>
    /// <param name="verdict">The VM with its name.</param>
    /// <param name="isNamed">Whether the administrator names it.</param>
    /// <param name="isShared">Whether the cpuset of its cgroup is that of a slice in which another VM is.</param>
    /// <param name="told">What the administrator says; null if he says nothing.</param>
    /// <param name="claim">What is known of it from its beginning.</param>
    /// <param name="everybodys">
    /// The CPUs that every process of the machine may use unless somebody says otherwise: PID 1's mask.
    /// </param>
    /// <returns>Null if they couldn't be read.</returns>
    public static VmCpus? Of(
        DedicationVerdict verdict,
        bool isNamed,
        bool isShared,
        CpuSet? told,
        CpuClaim claim,
        CpuSet online,
        CpuSet everybodys
    )
    {
        var vm = verdict.Vm;
        if (vm.Cpuset is not { } cpuset)
        {
            return null;
        }

        var isOwnWord = !isNamed && !vm.IsOfRoot;
        var theirs = OfThreads(vm, cpuset);
        // Some of the threads may have cpusets of their own, and then stay there, whosever word the rest is.
        var isByThread = vm.Threads.Any(thread =>
            thread is { Role: ThreadRole.Vcpu, OwnCpuset: not null }
        );
        if (told is not null)
        {
            return new(told, CpuSource.Administrator) { IsByThread = isByThread };
        }

        // What each thread was given says more than what all have, be it a slice's AllowedCPUs.
        if (theirs is not null)
        {
            return theirs with { IsOwnWord = isOwnWord && IsInUsersHands(vm) };
        }

        // Of what several were given together, each that is named gets its part.
        if (
            vm.GivenCpuset is { } given
            && !online.IsSubsetOf(given)
            && !(isShared && isNamed && !vm.IsInPod)
        )
        {
            return new(cpuset, CpuSource.Cgroup) { IsOwnWord = isOwnWord && IsInUsersHands(vm) };
        }

        return
            verdict.Vmi is null
            && !vm.IsInPod
            && claim is { IsEverybodys: false, IsPlacedElsewhere: false, InitialMask: { } mask }
            && IsStrictSubset(mask, everybodys)
            && mask.Intersect(cpuset) is var own
            && own.Count >= Vcpus(vm)
            ? new(own, CpuSource.InitialMask) { IsOwnWord = isOwnWord, IsByThread = isByThread }
            : new(cpuset, CpuSource.Inherited) { IsByThread = isByThread };
    }

    /// <summary>The masks of a VM's vCPUs; empty where one couldn't be read.</summary>
    public static List<CpuSet> VcpuMasks(ObservedVm vm) =>
        [
            .. vm
                .Threads.Where(thread => thread.Role == ThreadRole.Vcpu)
                .Select(thread => thread.Affinity ?? CpuSet.Empty),
        ];

    /// <summary>How many vCPUs a VM has, or will have as far as it's understood.</summary>
    public static int Vcpus(ObservedVm vm) =>
        Math.Max(
            vm.Threads.Count(thread => thread.Role == ThreadRole.Vcpu),
            vm.Problem is null ? 1 : vm.Guest.BootVcpus
        );

    /// <summary>
    /// Whether masks keep a VM on some of the CPUs that everybody has, though it can't be told any more which it was given: the
    /// agent came after somebody had placed its threads, and no vCPU is alone on a CPU.
    /// </summary>
    public static bool IsConfinedByUnknown(ObservedVm vm, CpuSet everybodys)
    {
        var masks = VcpuMasks(vm).FindAll(mask => !mask.IsEmpty);
        var all = everybodys.Intersect(vm.Cpuset ?? everybodys);
        return masks.Count > 0
            && masks.TrueForAll(mask => IsStrictSubset(mask, all))
            && !IsOnePerCpu(masks);
    }

    /// <summary>Whether each is one CPU, and no two are the same.</summary>
    public static bool IsOnePerCpu(IReadOnlyCollection<CpuSet> masks) =>
        masks.All(mask => mask.Count == 1)
        && masks.Select(mask => mask.First).Distinct().Count() == masks.Count;

    // libvirt writes <vcpu cpuset> and <vcpupin> into vcpu0, vcpu1, …, <emulatorpin> into emulator, and leaves the VM's own
    // cgroup as it is. While it's at it, some threads are still where all began.
    private static VmCpus? OfThreads(ObservedVm vm, CpuSet cpuset)
    {
        var sets = vm
            .Threads.Where(thread => thread.Role == ThreadRole.Vcpu)
            .Select(thread => thread.OwnCpuset)
            .ToList();
        if (sets.Count == 0 || sets.Exists(set => set is null || !IsStrictSubset(set, cpuset)))
        {
            return null;
        }

        var vcpus = CpuSet.UnionOf(sets.OfType<CpuSet>());
        var emulator = vm.Emulator?.OwnCpuset ?? cpuset;
        return new(vcpus, CpuSource.ThreadCgroups)
        {
            IsByThread = true,
            Emulator = EmulatorOf(emulator, vcpus, sets.Count),
        };
    }

    // What isn't the vCPUs'. Where all of it is, a part that leaves enough for them is meant as the emulator's own.
    private static CpuSet EmulatorOf(CpuSet emulator, CpuSet vcpus, int count)
    {
        var beside = emulator.Except(vcpus);
        return !beside.IsEmpty ? beside
            : vcpus.Count - emulator.Count >= count ? emulator
            : CpuSet.Empty;
    }

    // systemd gives a user the cgroups below his manager's (Delegate=), cpusets too if the administrator says so: then he
    // writes them himself.
    private static bool IsInUsersHands(ObservedVm vm) =>
        vm.Cgroup is { Path: var path }
        && path.Split('/')
            .Any(part =>
                part.StartsWith("user@", StringComparison.Ordinal)
                && part.EndsWith(".service", StringComparison.Ordinal)
            );

    private static bool IsStrictSubset(CpuSet set, CpuSet of) =>
        !set.IsEmpty && set.IsSubsetOf(of) && !set.Equals(of);
}
