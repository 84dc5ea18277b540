using System.Diagnostics;
using System.Globalization;
using PinAgent.HostTests.Harness;
using PinAgent.NativeInterop.Bpf.Witness;
using Xunit;

namespace PinAgent.HostTests.Bpf;

/// <summary>The witness in this machine's kernel, held against what the kernel itself counts of the same threads.</summary>
[Trait("also", "node")]
public sealed class WitnessTests
{
    private const string Name = "prove-neighbour";

    // Whoever blocks is woken again, whoever is preempted comes back: as often as the kernel counts both in /proc.
    [Fact(Timeout = Patience.Hang)]
    public async Task Each_wait_is_seen_once_and_the_neighbour_is_known_by_name()
    {
        using var watched = Start("while read -r line; do echo $line; done");
        using var neighbour = Start($"printf {Name} > /proc/$$/comm; while :; do :; done");
        try
        {
            await AnswersAsync(watched);
            await Until(() => Name == Read(neighbour.Id, "comm").TrimEnd());
            await Until(() => IsBlocked(watched.Id));
            var before = (Of: Switches(watched.Id), OfNeighbour: Switches(neighbour.Id));
            using var witness = Open(watched.Id);

            // Then it has run there and been seen to stop, at least once.
            for (
                var i = 0;
                i < 300 || Switches(neighbour.Id).Involuntary < before.OfNeighbour.Involuntary + 3;
                i++
            )
            {
                await AnswersAsync(watched);
            }

            await Until(() => IsBlocked(watched.Id));
            var (blocked, preempted) = Switches(watched.Id);
            var seen = witness.End();

            var vcpu = Assert.Single(seen.Vcpus);
            Assert.Equal(blocked - before.Of.Voluntary, (long)(vcpu.Woken.Count + vcpu.Unseen));
            Assert.Equal(preempted - before.Of.Involuntary, (long)vcpu.Preempted.Count);
            Assert.Null(vcpu.Open);
            Assert.All([vcpu.Woken, vcpu.Preempted], IsConsistent);
            Assert.All(vcpu.Worst, gap => Assert.InRange(gap.Begin, seen.Begin, seen.End));
            Assert.Equal(
                Math.Max(vcpu.Woken.Longest, vcpu.Preempted.Longest),
                vcpu.Worst.Max(gap => gap.Length)
            );

            var noise = seen.Stretches.Single(one => one.By.Pid == neighbour.Id);
            Assert.Equal((Name, false, 0), (noise.By.Name, noise.By.IsKernel, noise.Cpu));
            Assert.InRange(noise.Longest, 1UL, noise.Total);
            Assert.InRange(noise.Held, 0UL, noise.Total);
            Assert.InRange(noise.Total, 1UL, seen.End - seen.Begin);
            Assert.DoesNotContain(seen.Stretches, one => one.By.Pid == watched.Id);
            // Of all CPUs.
            Assert.InRange(
                seen.Cost,
                1UL,
                (seen.End - seen.Begin) * (ulong)Environment.ProcessorCount
            );
        }
        finally
        {
            watched.Kill();
            neighbour.Kill();
        }
    }

    [Fact(Timeout = Patience.Hang)]
    public async Task A_CPU_with_more_processes_than_are_known_keeps_the_longest_of_the_rest()
    {
        using var watched = Start("while read -r line; do echo $line; done");
        try
        {
            await AnswersAsync(watched);
            using var witness = Open(watched.Id);

            // Each a process of its own, on the same CPU.
            Assert.True(
                Foreign
                    .Run(
                        "taskset",
                        "-c",
                        "0",
                        "bash",
                        "-c",
                        "for ((i = 0; i < 200; i++)); do /bin/true; done"
                    )
                    .IsSuccess
            );
            var seen = witness.End();

            Assert.InRange(seen.Stretches.Count(one => !one.IsRest), 1, 64);
            var rest = seen.Stretches.Single(one => one.IsRest);
            Assert.NotEqual("", rest.By.Name);
            Assert.InRange(rest.Longest, 1UL, rest.Total);
            Assert.InRange(rest.Count, 100UL, ulong.MaxValue);
        }
        finally
        {
            watched.Kill();
        }
    }

    private static void IsConsistent(WitnessedLatency latency)
    {
        Assert.Equal(latency.Count, latency.Classes.Aggregate(0UL, (sum, one) => sum + one));
        Assert.InRange(latency.Longest, 0UL, latency.Total);
        Assert.Equal(latency.Count == 0, latency.Longest == 0);
        // In the class where it's read: no other after it.
        var last = latency.Classes.ToList().FindLastIndex(count => count > 0);
        var power = 63 - System.Numerics.BitOperations.LeadingZeroCount(latency.Longest | 1);
        Assert.InRange(last, 4 * (power - 1), (4 * power) - 1);
    }

    private static SchedulingWitness Open(int pid)
    {
        Assert.SkipUnless(
            Environment.UserName == "root",
            "needs root, to load programs into the kernel"
        );
        var why = SchedulingWitness.TryOpen(
            new([(pid, 0)], Environment.ProcessorCount),
            out var witness
        );
        Assert.SkipUnless(why is null, $"needs a kernel with BPF: {why}");
        return witness!;
    }

    private static Process Start(string script) =>
        Process.Start(
            new ProcessStartInfo("taskset", ["-c", "0", "bash", "-c", script])
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                UseShellExecute = false,
            }
        )!;

    private static async Task AnswersAsync(Process process)
    {
        await process.StandardInput.WriteLineAsync("line");
        await process.StandardInput.FlushAsync(TestContext.Current.CancellationToken);
        Assert.Equal(
            "line",
            await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken)
        );
    }

    private static async Task Until(Func<bool> condition)
    {
        while (!condition())
        {
            await Task.Yield();
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
        }
    }

    // The number of read(2), for a thread that has left its CPU; "running" for another.
    private static bool IsBlocked(int pid) =>
        Read(pid, "syscall").StartsWith("0 ", StringComparison.Ordinal);

    private static (long Voluntary, long Involuntary) Switches(int pid)
    {
        var status = Read(pid, "status").Split('\n');
        return (Of("voluntary_ctxt_switches:"), Of("nonvoluntary_ctxt_switches:"));

        long Of(string name) =>
            long.Parse(
                status.Single(line => line.StartsWith(name, StringComparison.Ordinal))[
                    name.Length..
                ],
                CultureInfo.InvariantCulture
            );
    }

    private static string Read(int pid, string file) => File.ReadAllText($"/proc/{pid}/{file}");
}
