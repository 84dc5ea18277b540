using PinAgent.Model.Cpu;

namespace PinAgent.Plan.Placement;

/// <summary>
/// Places a VM whose vCPUs have cpusets of their own, as libvirt gives them: each goes within its own, whole guest cores on
/// whole cores where the sets allow it, and threads that are well placed stay.
/// </summary>
/// <remarks>
/// Every vCPU gets a CPU whenever that is possible at all: a maximum matching by augmenting paths (Kuhn's algorithm), in which
/// one vCPU after the other is then moved to the CPU it likes best, as long as the others still find one.
/// </remarks>
internal sealed class ConfinedPlacement
{
    // Some tenth of a second. Beyond it vCPUs stay where the first matching has put them, each on a CPU of its own set.
    private const int MostSteps = 1_000_000;

    private readonly PlacementRequest _request;
    private readonly CpuSet[] _allowed;
    private readonly int[] _order;
    private readonly int[] _cpuOf;
    private readonly Dictionary<int, int> _vcpuOn = [];
    private readonly HashSet<int> _settled = [];
    private int _steps;

    private ConfinedPlacement(PlacementRequest request)
    {
        _request = request;
        _allowed =
        [
            .. request.VcpuCpusets.Select(own =>
                own.Intersect(request.Cpuset).Except(request.EmulatorCpuset)
            ),
        ];
        _order =
        [
            .. request.Topology.Cores.SelectMany(core => core.Cpus).Where(request.Cpuset.Contains),
        ];
        _cpuOf = new int[_allowed.Length];
        Array.Fill(_cpuOf, -1);
    }

    /// <summary>Places a VM.</summary>
    /// <param name="request">One with <see cref="PlacementRequest.VcpuCpusets"/>.</param>
    public static PlacementResult Place(PlacementRequest request)
    {
        var placement = new ConfinedPlacement(request);
        for (var vcpu = 0; vcpu < placement._cpuOf.Length; vcpu++)
        {
            if (!placement.Augment(vcpu, []))
            {
                return Refusals.NoCpuWithin(request, vcpu);
            }
        }

        placement._steps = 0;
        for (var vcpu = 0; vcpu < placement._cpuOf.Length && placement._steps < MostSteps; vcpu++)
        {
            _ = placement.Preferred(vcpu).Any(cpu => placement.TryMove(vcpu, cpu));
            placement._settled.Add(vcpu);
        }

        return placement.Complete();
    }

    // Finds a CPU for a vCPU: a free one, or another's that can move on. A CPU that was tried needs no second try.
    private bool Augment(int vcpu, HashSet<int> tried)
    {
        var allowed = _allowed[vcpu];
        _steps += 2 * _order.Length;
        foreach (var cpu in _order)
        {
            if (allowed.Contains(cpu) && !_vcpuOn.ContainsKey(cpu) && tried.Add(cpu))
            {
                Put(vcpu, cpu);
                return true;
            }
        }

        foreach (var cpu in _order)
        {
            if (
                allowed.Contains(cpu)
                && tried.Add(cpu)
                && _vcpuOn.TryGetValue(cpu, out var other)
                && !_settled.Contains(other)
                && Augment(other, tried)
            )
            {
                Put(vcpu, cpu);
                return true;
            }
        }

        return false;
    }

    private bool TryMove(int vcpu, int cpu)
    {
        var before = _cpuOf[vcpu];
        if (before == cpu || !_vcpuOn.TryGetValue(cpu, out var other))
        {
            _vcpuOn.Remove(before);
            Put(vcpu, cpu);
            return true;
        }

        if (_settled.Contains(other) || _steps >= MostSteps)
        {
            return false;
        }

        _vcpuOn.Remove(before);
        Put(vcpu, cpu);
        if (Augment(other, [cpu]))
        {
            return true;
        }

        Put(vcpu, before);
        Put(other, cpu);
        return false;
    }

    private void Put(int vcpu, int cpu)
    {
        _cpuOf[vcpu] = cpu;
        _vcpuOn[cpu] = vcpu;
    }

    // Where it is; beside the thread of its guest core that came before it; the first of a core that has room for its whole
    // guest core; any.
    private IEnumerable<int> Preferred(int vcpu)
    {
        var allowed = _allowed[vcpu];
        if (
            _request.Current is { } current
            && current.Vcpus.ElementAtOrDefault(vcpu) is { Count: 1 } now
            && allowed.Contains(now.First)
        )
        {
            yield return now.First;
        }

        var threads = _request.ThreadsPerCore;
        var first = vcpu - (vcpu % threads);
        if (first < vcpu)
        {
            foreach (var cpu in SiblingsOf(_cpuOf[first]).Where(allowed.Contains))
            {
                yield return cpu;
            }
        }
        else if (threads > 1)
        {
            var core = Enumerable.Range(first, Math.Min(threads, _cpuOf.Length - first)).ToList();
            foreach (var cpu in _order.Where(allowed.Contains).Where(HasRoom))
            {
                yield return cpu;
            }

            bool HasRoom(int cpu) =>
                SiblingsOf(cpu)
                    .Count(sibling =>
                        core.Exists(thread => _allowed[thread].Contains(sibling))
                        && !(
                            _vcpuOn.TryGetValue(sibling, out var other) && _settled.Contains(other)
                        )
                    ) >= core.Count;
        }

        foreach (var cpu in _order.Where(allowed.Contains))
        {
            yield return cpu;
        }
    }

    private IEnumerable<int> SiblingsOf(int cpu) =>
        _request.Topology.SiblingsOf(_request.Topology[cpu]);

    private PlacementResult Complete()
    {
        var emulator = _request.EmulatorCpuset;
        var pool = new CpuPool(
            _request.Topology,
            _request.Cpuset.Except(emulator).Except(CpuSet.Of(_cpuOf)),
            _request.ThreadsPerCore
        );
        var supplemental = new List<int>();
        while (supplemental.Count < _request.SupplementalIoThreads)
        {
            if (pool.TakeOne() is not { } cpu)
            {
                return Refusals.NoCpuForIoThread(_request, supplemental.Count + 1);
            }

            supplemental.Add(cpu);
        }

        while (emulator.Count < _request.EmulatorCpus && pool.TakeOne() is { } cpu)
        {
            emulator = emulator.Union(CpuSet.Of(cpu));
        }

        return CpuPlacement.Complete(_request, [.. _cpuOf], [.. supplemental], emulator);
    }
}
