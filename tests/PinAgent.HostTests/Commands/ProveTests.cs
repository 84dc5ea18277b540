using System.Text.Json.Nodes;
using CliWrap;
using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Commands;

/// <summary><c>pinagent prove</c> on a real guest with a real noisy neighbour.</summary>
public sealed class ProveTests
{
    private const int Timeout = Patience.Hang;
    private readonly string _name = $"default_test-{Guid.NewGuid():N}";

    [Fact(Timeout = Timeout)]
    public async Task A_neighbour_on_the_vCPUs_CPU_is_named()
    {
        Requires.RealGuests(cpus: 2);
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        await using var guest = await Guest.StartAsync(_name, "1", cpuset);
        await Agent.RunOnceAsync("--vm", _name);
        using var stop = new CancellationTokenSource();
        // Its own name, so that nobody else's shell is meant.
        var noise = Cli.Wrap("taskset")
            .WithArguments([
                "-c",
                "0",
                "bash",
                "-c",
                "echo noise > /proc/$$/comm; while :; do :; done",
            ])
            .ExecuteAsync(stop.Token);
        try
        {
            var proof = await ProveAsync(guest.Pid);

            Assert.False((bool)proof["holds"]!);
            var vcpu = proof["vcpus"]![0]!;
            Assert.Equal((0, "0"), ((int)vcpu["index"]!, (string)vcpu["cpus"]!));
            Assert.True((double)vcpu["foreignSeconds"]! > 0);
            Assert.InRange(
                (double)vcpu["foreignSeconds"]! + (double)vcpu["runSeconds"]!,
                0,
                (double)proof["seconds"]! + 1e-9
            );
            // On a busy machine there may be a worse one than ours.
            Assert.True((double)vcpu["worst"]!["runSeconds"]! > 0);
            Assert.Contains(
                $"most of all {vcpu["worst"]!["comm"]} (thread",
                (string)proof["verdict"]!,
                StringComparison.Ordinal
            );
        }
        finally
        {
            await stop.CancelAsync();
            await noise.Task.ContinueWith(_ => { }, TaskScheduler.Default);
        }
    }

    [Fact(Timeout = Timeout)]
    public async Task A_guest_that_isnt_pinned_is_told_so_and_nothing_is_changed()
    {
        Requires.RealGuests(cpus: 2);
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        await using var guest = await Guest.StartAsync(_name, "1", cpuset);
        var before = guest.Masks();

        var proof = await ProveAsync(guest.Pid);

        Assert.Contains("isn't pinned: it may run on 0-1", (string)proof["verdict"]!);
        Assert.Equal(before, guest.Masks());
    }

    [Theory(Timeout = Timeout)]
    [InlineData(1, "no VM nobody runs here", "--vm", "nobody")]
    [InlineData(2, "expected 1s to 1d", "--vm", "nobody", "--for", "0s")]
    public async Task A_call_without_an_answer_says_why(
        int exit,
        string because,
        params string[] arguments
    )
    {
        var told = await Agent.RunAsync(["prove", "--socket", "/nowhere.sock", .. arguments]);

        Assert.Equal(exit, told.ExitCode);
        Assert.Contains(because, told.StandardError, StringComparison.Ordinal);
    }

    private static async Task<JsonNode> ProveAsync(int pid)
    {
        var told = await Agent.RunAsync(
            "prove",
            "--socket",
            "/nowhere.sock",
            "--vm",
            $"{pid}",
            "--for",
            "1s",
            "-o",
            "json"
        );
        Assert.True(told.ExitCode == 1, told.StandardError);
        return JsonNode.Parse(told.StandardOutput)!;
    }
}
