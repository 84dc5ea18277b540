using PinAgent.Model.Cpu;

namespace PinAgent.Plan.Placement;

/// <summary>
/// The CPUs a VM may still be given, in the order in which virt-launcher gives them: by NUMA node, in each
/// node whole cores first and the CPUs of broken cores (fragments) apart.
/// </summary>
/// <remarks>
/// Source: KubeVirt, <c>pkg/virt-launcher/virtwrap/converter/vcpu/vcpu.go</c> (<c>cpuPool</c>), with its slip
/// for two threads and one missing CPU left out: <see cref="TryTakeCores"/> takes all that was asked for or says no.
/// </remarks>
internal sealed class CpuPool
{
    private readonly int _threadsPerCore;
    private readonly List<Cell> _cells = [];

    /// <summary>Creates the pool.</summary>
    /// <param name="cpus">The CPUs to give away.</param>
    /// <param name="threadsPerCore">The guest's threads per core: a core with fewer CPUs than this is broken.</param>
    public CpuPool(NodeTopology topology, CpuSet cpus, int threadsPerCore)
    {
        _threadsPerCore = threadsPerCore;
        foreach (var node in topology.NumaNodes)
        {
            _cells.Add(new Cell(node));
        }

        foreach (var (node, siblings) in topology.Cores)
        {
            if (!siblings.Overlaps(cpus))
            {
                continue;
            }

            var cell = _cells[topology.NumaNodes.IndexOf(node)];
            List<int> core = [.. siblings.Intersect(cpus)];
            if (core.Count >= threadsPerCore)
            {
                cell.FullCores.AddLast(core);
            }
            else
            {
                cell.Fragments.AddRange(core);
            }
        }
    }

    /// <summary>How many CPUs are left.</summary>
    public int Count => _cells.Sum(cell => cell.Count);

    /// <summary>
    /// Takes guest cores, each <c>threadsPerCore</c> CPUs, in three passes: whole cores; fragments of one NUMA
    /// node; fragments wherever they are.
    /// </summary>
    /// <param name="mayCrossNodes">Whether the third pass is allowed.</param>
    /// <param name="taken">Receives the CPUs, in order.</param>
    /// <returns>False when the pool hasn't got them; what was taken by then is lost.</returns>
    public bool TryTakeCores(int cores, bool mayCrossNodes, List<int> taken)
    {
        var wanted = taken.Count + (cores * _threadsPerCore);
        foreach (var cell in _cells)
        {
            while (taken.Count < wanted && cell.FullCores.First is { } core)
            {
                taken.AddRange(core.Value[.._threadsPerCore]);
                core.Value.RemoveRange(0, _threadsPerCore);
                cell.Settle(_threadsPerCore);
            }
        }

        foreach (var cell in _cells)
        {
            while (taken.Count < wanted && cell.Fragments.Count >= _threadsPerCore)
            {
                taken.AddRange(cell.TakeFragments(_threadsPerCore));
            }
        }

        foreach (var cell in _cells.Where(_ => mayCrossNodes))
        {
            taken.AddRange(
                cell.TakeFragments(Math.Min(wanted - taken.Count, cell.Fragments.Count))
            );
        }

        return taken.Count == wanted;
    }

    /// <summary>Takes one CPU: a fragment if the first NUMA node that has anything has one, else from its first core.</summary>
    /// <returns>The CPU, or null when nothing is left.</returns>
    public int? TakeOne() => TakeOne(_cells.Find(cell => cell.Count > 0));

    /// <summary>Takes one CPU of a given NUMA node.</summary>
    /// <returns>The CPU, or null when the node has none left.</returns>
    public int? TakeOneOf(int node) =>
        TakeOne(_cells.Find(cell => cell.Node == node && cell.Count > 0));

    /// <summary>The first NUMA node with at least this many CPUs left, or null.</summary>
    public int? NodeWith(int count) => _cells.Find(cell => cell.Count >= count)?.Node;

    private int? TakeOne(Cell? cell)
    {
        if (cell is null)
        {
            return null;
        }

        if (cell.Fragments.Count > 0)
        {
            return cell.TakeFragments(1)[0];
        }

        var core = cell.FullCores.First!.Value;
        var cpu = core[0];
        core.RemoveAt(0);
        cell.Settle(_threadsPerCore);
        return cpu;
    }

    /// <summary>What is left of one NUMA node.</summary>
    private sealed class Cell(int node)
    {
        public int Node { get; } = node;

        public LinkedList<List<int>> FullCores { get; } = [];

        public List<int> Fragments { get; } = [];

        public int Count => Fragments.Count + FullCores.Sum(core => core.Count);

        public List<int> TakeFragments(int count)
        {
            var taken = Fragments[..count];
            Fragments.RemoveRange(0, count);
            return taken;
        }

        /// <summary>After a taking from the first full core: what no longer makes a guest core becomes fragments.</summary>
        public void Settle(int threadsPerCore)
        {
            var core = FullCores.First!.Value;
            if (core.Count < threadsPerCore)
            {
                FullCores.RemoveFirst();
                Fragments.AddRange(core);
            }
        }
    }
}
