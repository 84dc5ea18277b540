using System.Collections.Immutable;
using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;
using PinAgent.Plan.Placement;

namespace PinAgent.Plan.Threads;

/// <summary>Which rule put a thread on its CPUs, in words for people.</summary>
internal sealed class ThreadRules(VmShape shape, CpuPlacement placement, NodeTopology topology)
{
    private static readonly ImmutableArray<string> Ordinals =
    [
        "first",
        "second",
        "third",
        "fourth",
    ];

    private readonly int _threadsPerCore = shape.Vm.Guest.Full.Threads;

    /// <summary>The rule for a thread of this VM.</summary>
    public string Of(VmThread thread) =>
        thread.Role switch
        {
            ThreadRole.Vcpu => Vcpu(thread),
            ThreadRole.Emulator => Emulator(),
            ThreadRole.IoThread => IoThread(),
            ThreadRole.KvmPit => "the guest's timer: with vCPU 0",
            _ => "with the emulator",
        };

    private string Vcpu(VmThread thread)
    {
        var (core, number) = Math.DivRem(thread.Index ?? 0, _threadsPerCore);
        // Where the emulator may be anywhere in the cpuset, it may be there too.
        var alone =
            MustShareWithEmulator ? "a CPU shared with the emulator"
            : placement.EmulatorIsolated ? "a CPU to itself"
            : "a CPU that no other vCPU has";
        if (_threadsPerCore == 1)
        {
            return $"guest core {core}: {alone}";
        }

        var who =
            $"{(number < Ordinals.Length ? Ordinals[number] : $"{number + 1}th")} thread of guest core {core}";
        if (FirstOfCore(core) is not { } first || first == CpuOf(thread))
        {
            return $"{who}: {alone}";
        }

        var siblings = CpuSet.Of(topology.SiblingsOf(first));
        return siblings.Contains(CpuOf(thread)) ? $"{who}: sibling of CPU {first}"
            : siblings.Intersect(shape.Cpuset ?? CpuSet.Empty).Count > number
                ? $"{who}: not beside CPU {first}, to move as little as possible"
            : $"{who}: CPU {first} has no sibling for it";
    }

    // The emulator once had a CPU of its own, or there's one CPU for all: to say that the vCPU has it to itself would be untrue.
    private bool MustShareWithEmulator =>
        !placement.EmulatorIsolated && (shape.HasLostIsolation || placement.Emulator.Count == 1);

    // The CPU of the guest core's first vCPU that exists.
    private int? FirstOfCore(int core) =>
        shape.Vcpus.FirstOrDefault(vcpu => vcpu.Index / _threadsPerCore == core) is { } first
            ? CpuOf(first)
            : null;

    private int CpuOf(VmThread vcpu) => placement.Vcpus[shape.Vcpus.IndexOf(vcpu)];

    private string Emulator() =>
        !placement.EmulatorIsolated
            ? shape.HasLostIsolation
                ? "not isolated any more: the cpuset has no CPU left for it"
                : "not isolated: anywhere in the cpuset"
            : shape.Cpus is { } cpus && !placement.Emulator.IsSubsetOf(cpus.Cpus)
                ? "beside the vCPUs' CPUs"
                : placement.Emulator.Count == 1
                    ? "isolated: a CPU of its own"
                    : "isolated: CPUs of its own";

    private string IoThread() =>
        shape.IoThreadsAreSupplemental ? "supplemental: a CPU to itself"
        : placement.EmulatorIsolated ? "with the emulator"
        : "not isolated: on its share of the vCPUs' CPUs";
}
