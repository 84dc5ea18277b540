using PinAgent.Model.Vm;
using PinAgent.Plan.Placement;
using PinAgent.Tests.Apply;

namespace PinAgent.Tests.Plan.Placement.Reference;

/// <summary>
/// Policy <c>kubevirt</c> and minimal move a second time, from the words of the specification alone and as plainly
/// as possible, to be compared with the product. Don't make it share code with the product.
/// </summary>
internal static class ReferencePlacement
{
    /// <summary>The answer as one line of text, see <see cref="AnswerText"/>.</summary>
    public static string Answer(PlacementRequest request)
    {
        if (request.Cpuset.Any(cpu => request.Topology.Cpus.All(known => known.Id != cpu)))
        {
            return AnswerText.Refused(request, Reason.UnknownCpu);
        }

        // What housekeeping has is no vCPU's.
        if (request.Cpuset.Count - request.EmulatorCpuset.Count < request.Vcpus)
        {
            return AnswerText.Refused(request, Reason.NotEnoughCpus);
        }

        return (request.Current is null ? null : ReferenceMinimalMove.Place(request))
            ?? FromScratch(request);
    }

    private static string FromScratch(PlacementRequest request)
    {
        var pool = new ReferencePool(request, kept: []);
        var vcpus = pool.TakeGuestCores(request.Vcpus, request.NumaPassthrough);
        if (vcpus.Count < request.Vcpus)
        {
            return AnswerText.Refused(request, Reason.CrossesNumaNodes);
        }

        var supplemental = new List<int>();
        for (var i = 0; i < request.SupplementalIoThreads; i++)
        {
            if (pool.TakeOne() is not { } cpu)
            {
                return AnswerText.Refused(request, Reason.NoCpuForIoThread);
            }

            supplemental.Add(cpu);
        }

        var emulator = request.EmulatorCpuset.ToList();
        for (var i = emulator.Count; i < EmulatorCpus(request); i++)
        {
            if (pool.TakeOne() is not { } cpu)
            {
                return AnswerText.Refused(request, Reason.NoCpuForEmulator);
            }

            emulator.Add(cpu);
        }

        return AnswerText.Placed(request, vcpus, supplemental, emulator);
    }

    /// <summary>How many CPUs the emulator has to itself.</summary>
    public static int EmulatorCpus(PlacementRequest request)
    {
        if (!request.EmulatorCpuset.IsEmpty)
        {
            return request.EmulatorCpuset.Count;
        }

        if (!request.IsolateEmulatorThread)
        {
            return 0;
        }

        var isEven = (request.Vcpus + request.SupplementalIoThreads) % 2 == 0;
        return request.EmulatorThreadCompleteToEvenParity && isEven ? 2 : 1;
    }
}

/// <summary>The pool of the specification: cells with full cores and fragments.</summary>
internal sealed class ReferencePool
{
    private readonly int _threads;

    public ReferencePool(PlacementRequest request, HashSet<int> kept)
    {
        _threads = request.ThreadsPerCore;
        var met = new HashSet<(int Socket, int Core)>();
        foreach (var node in request.Topology.Cpus.Select(cpu => cpu.Numa).Distinct().Order())
        {
            var cell = new Cell();
            Cells.Add(node, cell);
            foreach (
                var cpu in request.Topology.Cpus.Where(cpu => cpu.Numa == node).OrderBy(c => c.Id)
            )
            {
                if (!met.Add((cpu.Socket, cpu.Core)))
                {
                    continue;
                }

                var ours = request
                    .Topology.Cpus.Where(s => s.Socket == cpu.Socket && s.Core == cpu.Core)
                    .Select(sibling => sibling.Id)
                    .Order()
                    .Where(id => request.Cpuset.Contains(id))
                    .Where(id => !request.EmulatorCpuset.Contains(id) && !kept.Contains(id))
                    .ToList();
                cell.PutBack(ours, _threads);
            }
        }
    }

    /// <summary>By NUMA node, ascending.</summary>
    public SortedDictionary<int, Cell> Cells { get; } = [];

    /// <summary>The CPUs of the guest's cores, fewer than asked for if they can't be had.</summary>
    public List<int> TakeGuestCores(int vcpus, bool numaPassthrough)
    {
        var taken = new List<int>();
        foreach (var cell in Cells.Values)
        {
            while (taken.Count + _threads <= vcpus && cell.FullCores.Count > 0)
            {
                taken.AddRange(cell.TakeFromFirstFullCore(_threads, _threads));
            }
        }

        foreach (var cell in Cells.Values)
        {
            while (taken.Count + _threads <= vcpus && cell.Fragments.Count >= _threads)
            {
                taken.AddRange(cell.TakeFragments(_threads));
            }
        }

        foreach (var cell in numaPassthrough ? [] : Cells.Values.ToList())
        {
            taken.AddRange(cell.TakeFragments(Math.Min(vcpus - taken.Count, cell.Fragments.Count)));
        }

        return taken;
    }

    /// <summary>One CPU of the first cell that has any.</summary>
    public int? TakeOne() => Cells.Values.FirstOrDefault(cell => cell.Count > 0)?.TakeOne(_threads);

    internal sealed class Cell
    {
        public List<List<int>> FullCores { get; } = [];

        public List<int> Fragments { get; } = [];

        public int Count => Fragments.Count + FullCores.Sum(core => core.Count);

        public void PutBack(List<int> core, int threads)
        {
            if (core.Count >= threads)
            {
                FullCores.Add(core);
            }
            else
            {
                Fragments.AddRange(core);
            }
        }

        public List<int> TakeFromFirstFullCore(int count, int threads)
        {
            var core = FullCores[0];
            FullCores.RemoveAt(0);
            var rest = core.Skip(count).ToList();
            if (rest.Count >= threads)
            {
                FullCores.Insert(0, rest);
            }
            else
            {
                Fragments.AddRange(rest);
            }

            return [.. core.Take(count)];
        }

        public List<int> TakeFragments(int count)
        {
            var taken = Fragments.Take(count).ToList();
            Fragments.RemoveRange(0, taken.Count);
            return taken;
        }

        public int TakeOne(int threads) =>
            Fragments.Count > 0 ? TakeFragments(1)[0] : TakeFromFirstFullCore(1, threads)[0];
    }
}
