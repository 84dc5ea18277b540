using System.Collections.Immutable;
using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;

namespace PinAgent.Plan.Threads;

/// <summary>
/// The CPUs of a VM's vCPU and I/O threads by their numbers, whether they exist yet or not: a placement is a function of the VM's
/// shape and its CPUs. A thread that gets its name can be put there at once, without another look at anything.
/// </summary>
internal sealed class ThreadMasks
{
    private readonly ImmutableDictionary<(ThreadRole Role, int Index), CpuSet> _masks;

    private ThreadMasks(ImmutableDictionary<(ThreadRole, int), CpuSet> masks) => _masks = masks;

    /// <summary>The wanted masks of a plan's vCPU and I/O threads; null if there are none that can be set.</summary>
    /// <param name="threads">The threads; of those that are left alone, none is told.</param>
    public static ThreadMasks? Of(IEnumerable<PlannedThread> threads)
    {
        var masks = threads
            .Where(thread =>
                thread
                    is {
                        Wanted: not null,
                        IsConfined: false,
                        IsContested: false,
                        Thread:
                        {
                            IsAmbiguous: false,
                            Role: ThreadRole.Vcpu or ThreadRole.IoThread,
                            Index: not null
                        }
                    }
            )
            .GroupBy(thread => (thread.Thread.Role, thread.Thread.Index!.Value))
            // Two of one number: it isn't known which is meant.
            .Where(same => same.Count() == 1)
            .ToImmutableDictionary(same => same.Key, same => same.Single().Wanted!);
        return masks.IsEmpty ? null : new ThreadMasks(masks);
    }

    /// <summary>A thread's mask; null if the plan says nothing of it.</summary>
    public CpuSet? Find(ThreadRole role, int index) => _masks.GetValueOrDefault((role, index));

    /// <summary>Whether what a plan wants of the threads that exist is what is said here, and can be had.</summary>
    public bool Agrees(IEnumerable<PlannedThread> threads) =>
        threads
            .Where(thread => thread.Thread.Role is ThreadRole.Vcpu or ThreadRole.IoThread)
            .All(thread =>
                thread is { Wanted: { } wanted, IsConfined: false, IsContested: false }
                && thread.Thread is { IsAmbiguous: false, Index: { } index }
                && wanted.Equals(Find(thread.Thread.Role, index))
            );

    /// <summary>Whether others are the same.</summary>
    public bool IsSameAs(ThreadMasks other) =>
        _masks.Count == other._masks.Count
        && _masks.All(mask => mask.Value.Equals(other._masks.GetValueOrDefault(mask.Key)));
}
