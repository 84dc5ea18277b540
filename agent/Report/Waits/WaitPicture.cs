using System.Collections.Immutable;
using PinAgent.Report.Status;

namespace PinAgent.Report.Waits;

/// <summary>Ten minutes of waits, in ten-thousandths of each five seconds.</summary>
internal sealed class WaitPicture(IReadOnlyDictionary<(int Pid, int Tid), ushort[]> vcpus)
{
    /// <summary>Nothing is known.</summary>
    public static WaitPicture None { get; } = new(ImmutableDictionary<(int, int), ushort[]>.Empty);

    /// <summary>Those of a vCPU; empty if nothing is known.</summary>
    public ReadOnlySpan<ushort> Of(int pid, int tid) =>
        vcpus.TryGetValue((pid, tid), out var turns) ? turns : [];

    /// <summary>Those of a VM: at each time its worst vCPU's.</summary>
    public ushort[] Worst(VmStatus vm)
    {
        ushort[] worst = [];
        foreach (var thread in vm.Threads)
        {
            var turns = Of(vm.Pid, thread.Tid);
            if (worst.Length == 0)
            {
                worst = turns.ToArray();
                continue;
            }

            for (var i = 0; i < turns.Length; i++)
            {
                if (
                    turns[i] != WaitSeries.Unknown
                    && (worst[i] == WaitSeries.Unknown || turns[i] > worst[i])
                )
                {
                    worst[i] = turns[i];
                }
            }
        }

        return worst;
    }
}
