using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;
using PinAgent.Plan.Placement;

namespace PinAgent.Tests.Plan.Placement.Reference;

/// <summary>Answers as one line each, so that a failed comparison can be read.</summary>
internal static class AnswerText
{
    /// <summary>The product's answer.</summary>
    public static string Of(PlacementResult result) =>
        result switch
        {
            CpuPlacement p => Line(
                [.. p.Vcpus],
                [.. p.SupplementalIoThreads],
                p.Emulator,
                p.EmulatorIsolated,
                [.. p.IoThreads],
                p.Unused
            ),
            Refusal refusal => Line(refusal.Reason, refusal.Needed, refusal.Available),
            _ => throw new InvalidOperationException(),
        };

    /// <summary>A refusal of the reference.</summary>
    public static string Refused(PlacementRequest request, Reason reason) =>
        Line(
            reason,
            request.Vcpus
                + request.SupplementalIoThreads
                + ReferencePlacement.EmulatorCpus(request),
            request.Cpuset.Count
        );

    /// <summary>A placement of the reference, with what follows from it.</summary>
    public static string Placed(
        PlacementRequest request,
        List<int> vcpus,
        List<int> supplemental,
        List<int> emulator
    ) =>
        Line(
            vcpus,
            supplemental,
            emulator.Count > 0 ? CpuSet.Of(emulator) : request.Cpuset,
            emulator.Count > 0,
            SharedIoThreads(request, emulator),
            CpuSet.Of(
                request.Cpuset.Where(cpu =>
                    !vcpus.Contains(cpu) && !supplemental.Contains(cpu) && !emulator.Contains(cpu)
                )
            )
        );

    private static List<CpuSet> SharedIoThreads(PlacementRequest request, List<int> emulator)
    {
        var threads = request.IoThreads;
        if (emulator.Count > 0)
        {
            return [.. Enumerable.Repeat(CpuSet.Of(emulator), threads)];
        }

        var cpuset = request.Cpuset.ToList();
        var masks = new List<CpuSet>();
        for (var i = 1; i <= threads && threads >= request.Vcpus; i++)
        {
            masks.Add(CpuSet.Of(cpuset[i % request.Vcpus]));
        }

        for (int i = 0, next = 0; i < threads && threads < request.Vcpus; i++)
        {
            var run = request.Vcpus / threads;
            if (i < request.Vcpus % threads)
            {
                run++;
            }

            masks.Add(CpuSet.Of(cpuset.GetRange(next, run)));
            next += run;
        }

        return masks;
    }

    private static string Line(
        IEnumerable<int> vcpus,
        IEnumerable<int> supplemental,
        CpuSet emulator,
        bool isolated,
        IEnumerable<CpuSet> ioThreads,
        CpuSet unused
    ) =>
        $"vcpus {string.Join(' ', vcpus)} | supplemental {string.Join(' ', supplemental)} | emulator "
        + $"{emulator}{(isolated ? " alone" : "")} | io {string.Join(' ', ioThreads)} | unused {unused}";

    private static string Line(Reason reason, int needed, int available) =>
        $"{reason}: needed {needed}, available {available}";
}
