using System.Diagnostics;
using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Hostile;

/// <summary>The VM whose owner expects that nothing another tenant does is felt: a real guest, with a cpuset of its own.</summary>
internal sealed class Neighbour : IAsyncDisposable
{
    /// <summary>When a drift is taken for one that isn't repaired any more.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(5);

    private readonly Cpuset _cpuset;
    private readonly Guest _guest;
    private readonly List<(int Tid, string Mask)> _threads = [];
    private int _drifts;

    private Neighbour(Cpuset cpuset, Guest guest) => (_cpuset, _guest) = (cpuset, guest);

    /// <summary>The guest's name.</summary>
    public string Name => _guest.Name;

    public int Pid => _guest.Pid;

    /// <summary>The CPUs each of its threads may run on.</summary>
    public IReadOnlyDictionary<int, string> Masks() => _guest.Masks();

    // A drift takes two CPUs. Where there are no others, the neighbour shares them with everybody, and is dedicated by name.
    private static int First =>
        Environment.ProcessorCount >= 4 ? Environment.ProcessorCount - 2 : 0;

    /// <summary>The CPUs of everybody else; null for all.</summary>
    public static string? OtherCpus => First > 0 ? $"0-{First - 1}" : null;

    /// <summary>How many drifts a guest has before they look like another program's doing, which the agent gives way to.</summary>
    public int MostDrifts => 3 * _threads.Count;

    public static async Task<Neighbour> StartAsync(ControlGroup group)
    {
        var cpuset = new Cpuset($"/{ControlGroup.Lane}/neighbour", $"{First}-{First + 1}");
        try
        {
            var guest = await Guest.StartAsync(
                $"default_neighbour-{Guid.NewGuid():N}",
                "1",
                cpuset,
                ioThreads: 4
            );
            group.Add(guest.Pid);
            return new Neighbour(cpuset, guest);
        }
        catch
        {
            cpuset.Dispose();
            throw;
        }
    }

    /// <summary>Takes the masks that the threads have for those that the agent gave them.</summary>
    public async Task LearnAsync()
    {
        var masks = _guest.Masks();
        int[] tids =
        [
            .. (await _guest.Monitor.VcpuThreadsAsync()).Values,
            .. (await _guest.Monitor.IoThreadsAsync()).Values,
        ];
        _threads.AddRange(tids.Select(tid => (tid, masks[tid])));
    }

    /// <summary>
    /// Sets a thread's mask by hand, each time another's, and waits until it is as it was.
    /// </summary>
    /// <returns>How long that took, from before the mask was set; null if it took too long.</returns>
    public async Task<TimeSpan?> DriftAsync()
    {
        var (tid, mask) = _threads[_drifts++ % _threads.Count];
        var time = Stopwatch.StartNew();
        await Threads.TasksetAsync(tid, mask == $"{First}" ? $"{First + 1}" : $"{First}");
        while (Threads.Mask(_guest.Pid, tid) != mask)
        {
            if (time.Elapsed > Patience)
            {
                await Threads.TasksetAsync(tid, mask);
                return null;
            }

            await Task.Delay(LookEvery, TestContext.Current.CancellationToken);
        }

        return time.Elapsed;
    }

    public async ValueTask DisposeAsync()
    {
        await _guest.DisposeAsync();
        _cpuset.Dispose();
    }
}
