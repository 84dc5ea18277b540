using System.Globalization;
using PinAgent.NativeInterop;
using Xunit;

namespace PinAgent.Tests.Fuzz;

/// <summary>
/// Every parser of bytes that somebody else has written, with inputs that are nearly right: none throws what it doesn't promise,
/// takes more of a CPU or of memory than its input is worth, or reads back another thing than it has written.
/// <c>PINAGENT_FUZZ_SECONDS</c> is how long it goes on altogether, <c>PINAGENT_FUZZ_SEED</c> with what it begins.
/// </summary>
public sealed class FuzzTests
{
    // Where nobody says how long.
    private const int Inputs = 400;

    // CPU time and not time: a busy machine makes no parser slow. The longest input has 64 KiB.
    private static readonly TimeSpan MostCpuTime = TimeSpan.FromSeconds(2);

    // What the longest input may be worth: it's cut into strings, of which each has its own overhead.
    private const long MostAllocated = 128L << 20;

    private static readonly TimeSpan? Time = Number("SECONDS") is { } seconds
        ? TimeSpan.FromSeconds(seconds) / FuzzTarget.All.Count
        : null;

    private static readonly int Seed = Number("SEED") ?? Environment.TickCount;

    public static TheoryData<string> Targets => [.. FuzzTarget.All.Select(target => target.Name)];

    [Theory]
    [MemberData(nameof(Targets))]
    public void Whatever_it_reads_it_says_so_or_understands_it(string name)
    {
        var target = FuzzTarget.All.Single(target => target.Name == name);
        var random = new Random(Seed);
        var began = TimeProvider.System.GetTimestamp();
        var (count, slowest, largest) = (0, TimeSpan.Zero, 0L);
        Array.ForEach(target.Corpus, input => target.Read(input));
        while (Time is { } time ? TimeProvider.System.GetElapsedTime(began) < time : count < Inputs)
        {
            var input = Mutation.Of(target.Corpus, random);
            var (cpu, allocated) = Read(target, input, $"seed {Seed}, input {count}");
            (slowest, largest) = (cpu > slowest ? cpu : slowest, Math.Max(allocated, largest));
            count++;
        }

        if (Time is not null)
        {
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{name, -28} {count, 9} inputs, at most {slowest.TotalMilliseconds, 7:F1} ms and {largest >> 10, 7} KiB; seed {Seed}"
                )
            );
        }
    }

    private static (TimeSpan Cpu, long Allocated) Read(
        FuzzTarget target,
        byte[] input,
        string which
    )
    {
        var (cpu, allocated) = (KernelClock.OfThread(), GC.GetAllocatedBytesForCurrentThread());
        try
        {
            target.Read(input);
        }
        catch (Exception problem)
        {
            Assert.Fail($"{target.Name}, {which}: {problem}\n{Convert.ToBase64String(input)}");
        }

        cpu = KernelClock.OfThread() - cpu;
        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        Assert.True(
            cpu < MostCpuTime && allocated < MostAllocated,
            $"{target.Name}, {which}: {cpu.TotalSeconds} s of a CPU, {allocated} bytes\n{Convert.ToBase64String(input)}"
        );
        return (cpu, allocated);
    }

    private static int? Number(string name) =>
        int.TryParse(
            Environment.GetEnvironmentVariable($"PINAGENT_FUZZ_{name}"),
            CultureInfo.InvariantCulture,
            out var number
        )
            ? number
            : null;
}
