using System.Diagnostics;
using System.Globalization;
using CsCheck;
using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;
using PinAgent.Plan.Placement;
using Xunit;

namespace PinAgent.Tests.Plan.Placement.Reference;

/// <summary>
/// As many random requests as are asked for, against the second implementation: <c>PINAGENT_PLACEMENT_CASES</c> says how many,
/// <c>PINAGENT_PLACEMENT_SEED</c> what they're drawn from, <c>PINAGENT_PLACEMENT_CASE</c> takes only the one with that number.
/// </summary>
public sealed class ScaleTests
{
    // Where nobody says how many. ReferenceTests has more, which are made smaller where they fail.
    private const int Cases = 1000;

    [Fact]
    public void Every_request_is_answered_as_the_specification_says()
    {
        var seed = (uint)(Number("SEED") ?? Environment.TickCount);
        var only = Number("CASE");
        var (first, end) = only is { } one ? (one, one + 1) : (0, Number("CASES") ?? Cases);
        var all = new Tally();
        var failed = new SortedDictionary<int, string>();
        // Break() still runs those with lower numbers, so that the first that fails is known.
        Parallel.For(
            first,
            end,
            () => new Tally(),
            (number, loop, tally) =>
            {
                if (Problem(Request(seed, number), tally) is { } problem)
                {
                    lock (failed)
                    {
                        failed[number] = problem;
                    }

                    loop.Break();
                }

                return tally;
            },
            tally =>
            {
                lock (all)
                {
                    all.Add(tally);
                }
            }
        );

        if (Number("CASES") is not null || only is not null)
        {
            Console.WriteLine($"seed {seed}, {all}");
        }

        Assert.True(
            failed.Count == 0,
            string.Join('\n', failed.Take(1).Select(f => $"seed {seed}, case {f.Key}: {f.Value}"))
        );
    }

    // Each case has a generator of its own: it's the same one whichever thread takes it, and when.
    private static PlacementRequest Request(uint seed, int number) =>
        Requests.Any.Generate(new PCG(seed, (ulong)number), null, out _);

    private static string? Problem(PlacementRequest request, Tally tally)
    {
        if (!ReferenceTests.IsClear(request))
        {
            tally.Unclear++;
            return null;
        }

        try
        {
            var expected = ReferencePlacement.Answer(request);
            var result = Placer.Place(request, Placer.Default);
            var found = AnswerText.Of(result);
            tally.Count(request, result);
            return expected == found
                ? null
                : $"{Requests.Print(request)}\nexpected {expected}\nfound    {found}";
        }
        catch (Exception problem)
        {
            return $"{Requests.Print(request)}\n{problem}";
        }
    }

    private static int? Number(string name) =>
        int.TryParse(
            Environment.GetEnvironmentVariable($"PINAGENT_PLACEMENT_{name}"),
            CultureInfo.InvariantCulture,
            out var number
        )
            ? number
            : null;

    // What the requests came to.
    private sealed class Tally
    {
        private readonly SortedDictionary<Reason, int> _refused = [];
        private int _fresh;
        private int _again;
        private long _kept;
        private long _moved;

        public int Unclear { get; set; }

        public void Count(PlacementRequest request, PlacementResult result)
        {
            switch (result)
            {
                case Refusal refusal:
                    _refused[refusal.Reason] = _refused.GetValueOrDefault(refusal.Reason) + 1;
                    break;
                case CpuPlacement when request.Current is null:
                    _fresh++;
                    break;
                case CpuPlacement placement:
                    _again++;
                    var stay = placement.Vcpus.Zip(request.Current!.Vcpus).Count(Stays);
                    _kept += stay;
                    _moved += placement.Vcpus.Length - stay;
                    break;
                default:
                    throw new UnreachableException();
            }
        }

        public void Add(Tally other)
        {
            foreach (var (reason, count) in other._refused)
            {
                _refused[reason] = _refused.GetValueOrDefault(reason) + count;
            }

            _fresh += other._fresh;
            _again += other._again;
            _kept += other._kept;
            _moved += other._moved;
            Unclear += other.Unclear;
        }

        public override string ToString() =>
            string.Create(
                CultureInfo.InvariantCulture,
                $"""
                {_fresh + _again + _refused.Values.Sum() + Unclear} requests:
                  placed anew {_fresh}
                  placed again {_again}, of whose vCPUs {_kept} stayed and {_moved} moved
                  refused {string.Join(", ", _refused.Select(r => $"{r.Key} {r.Value}"))}
                  not compared {Unclear}: guest cores that others have split over two NUMA nodes
                """
            );

        private static bool Stays((int Cpu, CpuSet? Mask) pair) =>
            pair.Mask is { Count: 1 } mask && mask.First == pair.Cpu;
    }
}
