using System.Text.Json.Nodes;
using CliWrap;
using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Cluster;

/// <summary>Much at once.</summary>
public sealed class ManyTests
{
    private const int Timeout = Patience.Hang;
    private readonly string _name = $"default_test-{Guid.NewGuid():N}";

    /// <summary>
    /// As many of the guests as there are pairs of CPUs are dedicated; on a small machine the rest is there to be in the way.
    /// </summary>
    [Fact(Timeout = Timeout)]
    [Trait("also", "node")]
    public async Task Guests_that_start_at_once_are_all_pinned_though_the_agent_is_killed_half_way()
    {
        Requires.Events(cpus: 2);
        var pairs = Environment.ProcessorCount / 2;
        using var state = new TemporaryFolder();
        var cpusets = Enumerable
            .Range(0, pairs)
            .Select(i => new Cpuset(Cpuset.PodPath(out _, out _), $"{2 * i}-{(2 * i) + 1}"))
            .ToList();
        string[] arguments =
        [
            .. Enumerable.Range(0, pairs).SelectMany(i => new[] { "--vm", $"{_name}-{i}" }),
            "--state-dir",
            state.Path,
        ];
        var starts = new List<Task<Guest>>();
        try
        {
            await using var first = new AgentLoop(arguments);
            await first.WaitForLogAsync("Node ");
            starts.AddRange(
                Enumerable
                    .Range(0, Math.Max(pairs, pairs < 8 ? 50 : 0))
                    .Reverse()
                    .Select(i =>
                        Guest.StartAsync($"{_name}-{i}", "1", i < pairs ? cpusets[i] : null)
                    )
            );
            await starts[0];
            await first.StopAsync("KILL");

            await using var second = new AgentLoop(arguments);
            var guests = (await Task.WhenAll(starts))[^pairs..];
            Array.Reverse(guests);
            string[] pinned =
            [
                .. guests.Select(
                    (guest, i) => $"(pid {guest.Pid}): pinned within CPUs {2 * i}-{(2 * i) + 1}"
                ),
            ];
            await second.WaitForLogsAsync(pinned);
            for (var i = 0; i < pairs; i++)
            {
                var vcpu = (await guests[i].Monitor.VcpuThreadsAsync())[0];
                Assert.Equal($"{2 * i}", guests[i].Masks()[vcpu]);
            }

            var before = guests.Select(guest => guest.Masks()).ToList();
            await second.StopAsync("KILL");
            await using var third = new AgentLoop(arguments);
            var found = await third.WaitForLogsAsync(pinned);

            // A line that tells of changes has them behind the CPUs.
            Assert.Equal(
                pinned,
                found.Select(line => line[line.IndexOf("(pid", StringComparison.Ordinal)..])
            );
            Assert.Equal(before, guests.Select(guest => guest.Masks()));
        }
        finally
        {
            foreach (var start in starts)
            {
                await using var guest = await start;
            }

            cpusets.ForEach(cpuset => cpuset.Dispose());
        }
    }

    [Fact(Timeout = Timeout)]
    public async Task A_thousand_processes_that_call_themselves_vcpus_and_end_hold_nothing_up()
    {
        Requires.Events(cpus: 2);
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        await using var agent = new AgentLoop("--vm", _name, "--interval", "3600");
        await agent.WaitForLogAsync("no running guest has this name");

        var posing = Cli.Wrap("bash")
            .WithArguments([
                "-c",
                "for i in {1..1000}; do (printf 'CPU %d/KVM' $i >/proc/$BASHPID/comm); done",
            ])
            .ExecuteAsync(TestContext.Current.CancellationToken);
        await using var guest = await Guest.StartAsync(_name, "1", cpuset);
        await agent.WaitForLogAsync("pinned within CPUs 0-1");
        await posing;

        var status = await agent.AskAsync("-o", "json");
        var vms = JsonNode.Parse(status.StandardOutput)!["vms"]!.AsArray();
        Assert.Contains(guest.Pid, vms.Select(vm => (int)vm!["pid"]!));
        Assert.DoesNotContain("bash", $"{vms}", StringComparison.Ordinal);
    }
}
