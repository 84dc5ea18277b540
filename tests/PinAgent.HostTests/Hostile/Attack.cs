using System.Diagnostics;
using Xunit;

namespace PinAgent.HostTests.Hostile;

/// <summary>Who is there while a tenant attacks.</summary>
/// <param name="Neighbour">The name of the guest that the attack is to harm.</param>
/// <param name="Tenants">Who starts attackers.</param>
/// <param name="Port">Where the agent's page is.</param>
internal sealed record Scene(string Neighbour, Tenants Tenants, int Port);

/// <summary>One attack, from an agent that has pinned the neighbour to what was measured.</summary>
internal static class Attack
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(0.7);

    // A test that has run out of time still cleans up while the next one begins.
    private static readonly SemaphoreSlim OneAtATime = new(1);

    /// <param name="name">What the table calls it.</param>
    /// <param name="programs">Where the compiled programs are.</param>
    /// <param name="begin">Starts the attackers.</param>
    /// <param name="drifts">How many drifts there are once the attackers are ready.</param>
    /// <param name="limits">What the agent is granted.</param>
    public static async Task<Figures> MeasureAsync(
        string name,
        string programs,
        Func<Scene, Task> begin,
        int drifts,
        ManifestLimits limits
    )
    {
        await OneAtATime.WaitAsync(TestContext.Current.CancellationToken);
        try
        {
            return await MeasureAloneAsync(name, programs, begin, drifts, limits);
        }
        finally
        {
            OneAtATime.Release();
        }
    }

    private static async Task<Figures> MeasureAloneAsync(
        string name,
        string programs,
        Func<Scene, Task> begin,
        int drifts,
        ManifestLimits limits
    )
    {
        using var group = new ControlGroup("neighbour");
        using var tenants = new Tenants(programs);
        await using var neighbour = await Neighbour.StartAsync(group);
        await using var agent = new MeasuredAgent(limits, neighbour.Name);
        await agent.PinnedAsync();
        if (limits.HasEbpf)
        {
            var masks = (await agent.StatusAsync()).Json["events"]!["masks"]!;
            Assert.True((string)masks["state"]! == "syscalls", $"{masks}");
        }

        await neighbour.LearnAsync();

        var repairs = new List<TimeSpan?>();
        var probes = new List<TimeSpan?>();
        var time = Stopwatch.StartNew();
        var (cpu, lines) = (agent.CpuTime, agent.LogLines);
        var beginning = begin(new Scene(neighbour.Name, tenants, agent.Port));
        // While they are being made, too: thousands of threads take a fifth of a CPU some time. One drift is kept for later.
        for (
            var left = drifts;
            left > 0 && repairs.Count < neighbour.MostDrifts - 1 && !agent.HasEnded;

        )
        {
            left -= beginning.IsCompleted ? 1 : 0;
            var probe = agent.ProbeAsync();
            repairs.Add(await neighbour.DriftAsync());
            probes.Add(await probe);
            if (repairs[^1] is null)
            {
                break;
            }

            await Task.Delay(Pause, TestContext.Current.CancellationToken);
        }

        await beginning;
        var figures = new Figures
        {
            Attack = name,
            Drifts = repairs,
            Probes = probes,
            Cpu = (agent.CpuTime - cpu) / time.Elapsed,
            Memory = agent.MostMemory,
            Resident = agent.MostResident,
            Log = (agent.LogLines - lines) / time.Elapsed.TotalSeconds,
            Died = agent.HasEnded,
            Touched = tenants.Touched(),
        };
        var begun = await agent.RestartAsync();
        var repair = begun ? await neighbour.DriftAsync() : null;
        return figures with
        {
            Restarted = begun && !agent.HasEnded,
            DriftAfterRestart = repair,
            Memory = agent.MostMemory,
            Resident = Math.Max(figures.Resident, agent.MostResident),
        };
    }
}
