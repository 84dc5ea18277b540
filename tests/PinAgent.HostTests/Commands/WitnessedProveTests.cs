using System.Text.Json.Nodes;
using CliWrap;
using CliWrap.Buffered;
using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Commands;

/// <summary><c>pinagent prove</c> with the kernel as witness, on a real guest that runs beside a real noisy neighbour.</summary>
[Trait("also", "node")]
public sealed class WitnessedProveTests
{
    private const int Timeout = Patience.Hang;
    private const string Noise = "prove-noise";
    private readonly string _name = $"default_test-{Guid.NewGuid():N}";

    // No thread gets a CPU from another within a microsecond.
    [Fact(Timeout = Timeout)]
    public async Task Who_ran_there_how_long_the_vCPU_waited_and_when_is_told_and_the_limit_is_exceeded()
    {
        using var cpuset = Open();
        await using var guest = await RunningAsync(cpuset);
        using var stop = new CancellationTokenSource();
        var noise = Neighbour(stop.Token);
        try
        {
            await NamedAsync(noise.ProcessId);
            var begun = TimeProvider.System.GetUtcNow();

            var told = await ProveAsync(guest.Pid, [], "--limit", "1us", "-o", "json");

            Assert.True(told.ExitCode == 1, told.StandardError);
            var proof = JsonNode.Parse(told.StandardOutput)!;
            var seen = proof["witness"]!;
            Assert.Null(proof["withoutWitness"]);
            Assert.True((bool)seen["exceeded"]!);
            Assert.Contains("at the longest, more than 1 µs", (string)proof["verdict"]!);

            var use = Assert.Single(seen["cpus"]!.AsArray())!;
            Assert.Equal(0, (int)use["cpu"]!);
            var neighbour = use["ran"]!
                .AsArray()
                .Single(one => (int)one!["pid"]! == noise.ProcessId)!;
            Assert.Equal(
                ("process", Noise),
                ((string)neighbour["kind"]!, (string)neighbour["comm"]!)
            );
            Assert.InRange((double)neighbour["longest"]!, 1e-9, (double)neighbour["ran"]!);
            Assert.InRange((double)neighbour["ran"]!, 1e-9, (double)seen["seconds"]!);

            HasEveryWait(proof);
            var worst = seen["worst"]!.AsArray();
            Assert.InRange(worst.Count, 1, 10);
            Assert.All(
                worst,
                wait =>
                    Assert.InRange(
                        (DateTimeOffset)wait!["at"]!,
                        begun,
                        TimeProvider.System.GetUtcNow()
                    )
            );
            Assert.InRange((double)seen["costShare"]!, 1e-9, Environment.ProcessorCount);
        }
        finally
        {
            await stop.CancelAsync();
            await noise.Task.ContinueWith(_ => { }, TaskScheduler.Default);
        }
    }

    [Theory(Timeout = Timeout)]
    [InlineData("-bpf,-sys_admin")]
    [InlineData("-perfmon,-sys_admin")]
    public async Task Without_the_rights_the_counters_are_told_and_what_is_missed_and_why(
        string without
    )
    {
        Requires.Program("setpriv");
        using var cpuset = Open();
        await using var guest = await RunningAsync(cpuset);
        string[] through = ["setpriv", $"--bounding-set={without}"];

        var told = await ProveAsync(guest.Pid, through);
        var limited = await ProveAsync(guest.Pid, through, "--limit", "1s");

        Assert.InRange(told.ExitCode, 0, 1);
        var text = told.StandardOutput;
        Assert.Contains("OTHERS RAN", text, StringComparison.Ordinal);
        Assert.Contains("It can't be had: ", text, StringComparison.Ordinal);
        Assert.Contains("CAP_BPF", text, StringComparison.Ordinal);
        Assert.DoesNotContain("LONGEST WAITS", text, StringComparison.Ordinal);
        Assert.Equal(3, limited.ExitCode);
        Assert.Contains("--limit 1 s can't be judged by counters", limited.StandardError);
    }

    [Theory(Timeout = Timeout)]
    [InlineData("100")]
    [InlineData("0us")]
    public async Task A_limit_without_a_unit_is_refused(string limit)
    {
        var told = await Agent.RunAsync("prove", "--vm", "nobody", "--limit", limit);

        Assert.Equal(2, told.ExitCode);
        Assert.Contains($"found \"{limit}\"", told.StandardError, StringComparison.Ordinal);
    }

    // The kernel counts by itself for how long a thread was ready to run; what the witness counts begins a little earlier.
    private static void HasEveryWait(JsonNode proof)
    {
        var seen = proof["witness"]!;
        var (woken, preempted) = (seen["vcpus"]![0]!["woken"]!, seen["vcpus"]![0]!["preempted"]!);
        var outside = (double)proof["seconds"]! - (double)seen["seconds"]!;
        Assert.InRange(
            (double)woken["total"]! + (double)preempted["total"]!,
            0.9 * ((double)proof["vcpus"]![0]!["waitSeconds"]! - outside),
            (double)seen["seconds"]!
        );
        foreach (var waits in new[] { woken, preempted })
        {
            double[] figures =
            [
                .. new[] { "p50", "p99", "p999", "max" }.Select(name => (double)waits[name]!),
            ];
            Assert.Equal(figures.Order(), figures);
        }

        Assert.InRange((long)woken["count"]! + (long)preempted["count"]!, 1, long.MaxValue);
    }

    private static Cpuset Open()
    {
        Requires.RealGuests(cpus: 2);
        return new(Cpuset.PodPath(out _, out _), "0-1");
    }

    // Its firmware finds nothing to start, and goes on with the clock's interrupts.
    private async Task<Guest> RunningAsync(Cpuset cpuset)
    {
        var guest = await Guest.StartAsync(_name, "1", cpuset);
        await Agent.RunOnceAsync("--vm", _name);
        await guest.Monitor.ExecuteAsync("cont");
        return guest;
    }

    private static CommandTask<CommandResult> Neighbour(CancellationToken stop) =>
        Cli.Wrap("taskset")
            .WithArguments([
                "-c",
                "0",
                "bash",
                "-c",
                $"printf {Noise} > /proc/$$/comm; while :; do :; done",
            ])
            .ExecuteAsync(stop);

    private static async Task NamedAsync(int pid)
    {
        while (
            await File.ReadAllTextAsync($"/proc/{pid}/comm", TestContext.Current.CancellationToken)
            != $"{Noise}\n"
        )
        {
            await Task.Yield();
        }
    }

    private static async Task<BufferedCommandResult> ProveAsync(
        int pid,
        string[] through,
        params string[] more
    ) =>
        await Cli.Wrap("env")
            .WithArguments([
                .. through,
                Paths.Agent,
                "prove",
                "--socket",
                "/nowhere.sock",
                "--vm",
                $"{pid}",
                "--for",
                "2s",
                .. more,
            ])
            .WithValidation(CommandResultValidation.None)
            .ExecuteBufferedAsync(TestContext.Current.CancellationToken);
}
