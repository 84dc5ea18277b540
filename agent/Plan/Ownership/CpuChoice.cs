using System.Collections.Immutable;
using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;
using PinAgent.Plan.Placement;

namespace PinAgent.Plan.Ownership;

/// <summary>A VM for which nobody has said which CPUs are to be its.</summary>
/// <param name="Request">What it needs; its cpuset is the CPUs that its cgroup lets it have.</param>
/// <param name="Before">What it has; null if it's new.</param>
/// <param name="Current">Where its threads belong, or else where they are.</param>
internal sealed record CpuWish(
    VmKey Vm,
    PlacementRequest Request,
    ChosenCpus? Before,
    CurrentPlacement Current
);

/// <summary>
/// Chooses CPUs for VMs to which nobody has given any: each gets as many as it has vCPUs, and one more for its other threads
/// where there is one. What a VM has it keeps. Isolated CPUs come first, CPU 0 last, and one core is left to the host. Pure.
/// </summary>
internal sealed class CpuChoice
{
    private readonly NodeTopology _topology;
    private readonly CpuSet _free;
    private readonly CpuSet _avoided;
    private readonly CpuSet _host;
    private readonly Dictionary<VmKey, CpuSet> _vcpus = [];
    private readonly Dictionary<VmKey, ChosenCpus> _chosen = [];
    private readonly Dictionary<VmKey, ChosenCpus> _remembered = [];
    private readonly Dictionary<VmKey, string> _refused = [];

    private CpuChoice(
        NodeTopology topology,
        CpuSet taken,
        CpuSet avoided,
        ImmutableArray<CpuWish> wishes
    )
    {
        _topology = topology;
        _free = topology.Online.Except(taken);
        _avoided = avoided;
        var kept = CpuSet.Empty;
        foreach (var wish in wishes)
        {
            var own = (wish.Before?.Vcpus ?? CpuSet.Empty)
                .Intersect(_free.Intersect(wish.Request.Cpuset))
                .Except(kept);
            kept = kept.Union(own);
            _vcpus[wish.Vm] = own;
        }

        _host = HostCore(kept);
    }

    /// <summary>What each gets.</summary>
    public IReadOnlyDictionary<VmKey, ChosenCpus> Chosen => _chosen;

    /// <summary>What each gets, or if it gets nothing has.</summary>
    public IReadOnlyDictionary<VmKey, ChosenCpus> Remembered => _remembered;

    /// <summary>Why the others get nothing.</summary>
    public IReadOnlyDictionary<VmKey, string> Refused => _refused;

    /// <summary>Chooses.</summary>
    /// <param name="wishes">Who has had CPUs for longer comes first.</param>
    /// <param name="taken">The CPUs that other VMs have.</param>
    /// <param name="avoided">Those that others may have by their own word: others are taken first, where there are any.</param>
    public static CpuChoice Of(
        ImmutableArray<CpuWish> wishes,
        NodeTopology topology,
        CpuSet taken,
        CpuSet avoided
    )
    {
        var choice = new CpuChoice(topology, taken, avoided, wishes);
        // Whoever has CPUs first: a VM that is new doesn't take them, and the emulators' are given up for vCPUs.
        foreach (var wish in wishes.OrderBy(wish => wish.Before is null))
        {
            choice.ChooseVcpus(wish, wishes);
        }

        foreach (var wish in wishes.OrderBy(wish => wish.Before is not { EmulatorIsOwn: true }))
        {
            choice.ChooseEmulator(wish);
            if (choice._chosen.GetValueOrDefault(wish.Vm, wish.Before!) is { } known)
            {
                choice._remembered[wish.Vm] = known;
            }
        }

        return choice;
    }

    private CpuSet VcpusOfAll => CpuSet.UnionOf(_vcpus.Values);

    private void ChooseVcpus(CpuWish wish, ImmutableArray<CpuWish> wishes)
    {
        var own = _vcpus[wish.Vm];
        if (own.Count == wish.Request.Vcpus && HasOneForEach(wish.Request, own))
        {
            return;
        }

        var left = _free.Except(_host).Except(VcpusOfAll).Intersect(wish.Request.Cpuset);
        var emulators = CpuSet.UnionOf(
            wishes
                .Where(other => other.Vm != wish.Vm && other.Before is { EmulatorIsOwn: true })
                .Select(other => other.Before!.Emulator)
        );
        foreach (
            var pool in Pools(left, _avoided, emulators, CpuSet.Of(0), BesideOthers(wish.Vm))
                .SelectMany(Narrower)
        )
        {
            if (
                Placer.Place(
                    wish.Request with
                    {
                        Cpuset = pool.Union(own),
                        IsolateEmulatorThread = false,
                        EmulatorCpuset = CpuSet.Empty,
                        Current = own.IsEmpty ? null : wish.Current,
                    },
                    Placer.Default
                )
                is CpuPlacement placement
            )
            {
                _vcpus[wish.Vm] = CpuSet.Of(placement.Vcpus);
                return;
            }
        }

        // What it has stays its: its threads are there.
        _refused[wish.Vm] = Sum(wish, left);
    }

    // Not where a manager has given vCPUs cpusets of their own since.
    private static bool HasOneForEach(PlacementRequest request, CpuSet cpus) =>
        request.VcpuCpusets.IsEmpty
        || Placer.Place(
            request with
            {
                Cpuset = cpus,
                IsolateEmulatorThread = false,
                EmulatorCpuset = CpuSet.Empty,
            },
            Placer.Default
        ) is CpuPlacement;

    // The CPUs without all of those that are better left, then with the first of them, and so on.
    private static IEnumerable<CpuSet> Pools(CpuSet cpus, params ImmutableArray<CpuSet> left) =>
        Enumerable.Range(0, left.Length + 1).Select(i => cpus.Except(CpuSet.UnionOf(left.Skip(i))));

    // The CPUs of cores on which other VMs' vCPUs are.
    private CpuSet BesideOthers(VmKey vm)
    {
        var others = CpuSet
            .UnionOf(_vcpus.Where(other => other.Key != vm).Select(other => other.Value))
            .Union(_topology.Online.Except(_free));
        return CpuSet.UnionOf(
            _topology.Cores.Select(core => core.Cpus).Where(core => core.Overlaps(others))
        );
    }

    // Isolated CPUs before others, and one NUMA node before several.
    private IEnumerable<CpuSet> Narrower(CpuSet pool)
    {
        var isolated = pool.Intersect(_topology.Isolated);
        foreach (var cpus in isolated.IsEmpty ? [pool] : new[] { isolated, pool })
        {
            foreach (var node in _topology.NumaNodes)
            {
                yield return cpus.Intersect(
                    CpuSet.Of(_topology.Cpus.Where(cpu => cpu.Numa == node).Select(cpu => cpu.Id))
                );
            }

            yield return cpus;
        }
    }

    private void ChooseEmulator(CpuWish wish)
    {
        var vcpus = _vcpus[wish.Vm];
        if (_refused.ContainsKey(wish.Vm))
        {
            return;
        }

        // Who only says which CPUs are his is left alone where that costs nothing: no VM shares a core for it, nor an emulator the
        // host's.
        var left = _free
            .Except(_host)
            .Except(VcpusOfAll)
            .Except(CpuSet.UnionOf(_chosen.Values.Select(chosen => chosen.Own)))
            .Intersect(wish.Request.Cpuset);
        var own =
            wish.Before is { EmulatorIsOwn: true, Emulator: var before } && before.IsSubsetOf(left)
                ? before
                : Pools(left.Except(CpuSet.Of(0)).Except(BesideOthers(wish.Vm)), _avoided)
                    .Select(pool => TakeOne(pool, vcpus))
                    .FirstOrDefault(cpu => !cpu.IsEmpty, CpuSet.Empty);
        var host = _host.Intersect(wish.Request.Cpuset);
        _chosen[wish.Vm] = new(vcpus, own.IsEmpty ? host : own, EmulatorIsOwn: !own.IsEmpty);
    }

    // On the vCPUs' NUMA node if there is one.
    private CpuSet TakeOne(CpuSet cpus, CpuSet vcpus)
    {
        var pool = new CpuPool(_topology, cpus, _topology.ThreadsPerCore);
        return (pool.TakeOneOf(_topology[vcpus.First].Numa) ?? pool.TakeOne()) is { } cpu
            ? CpuSet.Of(cpu)
            : CpuSet.Empty;
    }

    // CPU 0's, where the kernel does most of its work; where that isn't free, the last one that is, isolated ones last.
    private CpuSet HostCore(CpuSet kept)
    {
        var free = _free.Except(kept);
        var cores = _topology.Cores.Select(core => core.Cpus).ToList();
        return cores
                .Where(core => core.Overlaps(free))
                .OrderByDescending(core => core.IsSubsetOf(free))
                .ThenBy(core => core.Overlaps(_topology.Isolated))
                .ThenByDescending(core => core.Contains(0))
                .ThenByDescending(core => core.First)
                .FirstOrDefault()
                ?.Intersect(free)
            ?? CpuSet.Empty;
    }

    private string Sum(CpuWish wish, CpuSet left)
    {
        var own = _vcpus[wish.Vm];
        var others = _topology.Online.Except(left).Except(_host).Except(own);
        var free = left.Count + own.Count;
        var vcpus = wish.Request.Vcpus;
        return $"{vcpus} {(vcpus == 1 ? "vCPU needs a CPU" : "vCPUs need a CPU each")}, and {(free == 0 ? "none is" : free == 1 ? "1 is" : $"{free} are")} free: of CPUs "
            + $"{_topology.Online}, {Or(others, "none")} are other VMs' or not in its cgroup, and {Or(_host, "none")} left to the "
            + "host; name CPUs with --vm NAME=CPUS, or end a VM";
    }

    private static string Or(CpuSet cpus, string nothing) => cpus.IsEmpty ? nothing : $"{cpus}";
}
