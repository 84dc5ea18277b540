using PinAgent.Cli;
using PinAgent.Cli.Proof;
using PinAgent.Cli.Terminal;
using PinAgent.Report.Proof;
using PinAgent.Tests.Report.Proof;
using Xunit;

namespace PinAgent.Tests.Cli.Proof;

/// <summary>What people read of <c>pinagent prove</c>, in a terminal of 80 columns.</summary>
public sealed class ProofTextTests
{
    private const int Width = 80;

    [Fact]
    public void The_waits_who_ran_there_and_the_longest_waits_are_tables()
    {
        var text = Text(Proof(WitnessReport.Of(Witnessed.Vm, Witnessed.Reading, null)));

        Assert.Equal(
            $"""
            default/vm1 (pid 100), measured for 10.000 s

            VCPU  CPU  RAN  WAITED  MOVED  PREEMPTED  INTERRUPTS  OTHERS RAN

            VCPU  CPU  WAITED AFTER  TIMES  P50      P99      P99.9  MAX
            0     3    wake-up       0      -        -        -      -
            0     3    preemption    0      -        -        -      -
            1     2    wake-up       1000   1.02 µs  1.02 µs  2 µs   2 µs
            1     2    preemption    1      24 ms    24 ms    24 ms  24 ms

            CPU  WHO ELSE RAN               PID  TIMES  RAN     LONGEST  HELD UP
            2    noisy                      499  5      100 ms  20 ms    24 ms
            2    kworker/2:1 (kernel)       77   12     900 µs  80 µs    10 ns
            2    crowd and more             -    70     7 µs    100 ns   0 ns
            2    qemu-system-x86 (this VM)  100  2      2 µs    1 µs     0 ns
            2    interrupts (irq 24)        -    4      40 µs   19 µs    -
            2    softirqs (net_rx)          -    150    1.9 ms  72 µs    -
            3    interrupts                 -    0      0 ns    0 ns     -
            3    softirqs                   -    0      0 ns    0 ns     -

            LONGEST WAITS        VCPU  CPU  AFTER       WAITED  FOR
            {Clock(2, 500)}  1     2    preemption  24 ms   noisy 499, 20 ms
            {Clock(0, 0)}  1     2    wake-up     2 µs    nobody

            Watching took 0.002 % of one CPU, for 1000 events.

            fine

            """.ReplaceLineEndings("\n"),
            text
        );
    }

    [Fact]
    public void Without_the_kernel_as_witness_it_is_told_what_is_missed_and_why()
    {
        var text = Text(Proof(null) with { WithoutWitness = "BPF needs CAP_BPF" });

        Assert.Contains(
            "It can't be had: BPF needs CAP_BPF",
            text.ReplaceLineEndings(" "),
            StringComparison.Ordinal
        );
        Assert.DoesNotContain("LONGEST WAITS", text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_longest_names_and_numbers_fit_into_80_columns()
    {
        var seen = WitnessReport.Of(Witnessed.Vm, Witnessed.Reading, null);
        var use = seen.Cpus[0];
        var large = seen with
        {
            Vcpus =
            [
                .. seen.Vcpus.Select(vcpu =>
                    vcpu with
                    {
                        Index = 4095,
                        Cpu = 4095,
                        Woken = new(99_999_999_999, 1, 888e-6, 888e-6, 888e-6, 888e-6),
                    }
                ),
            ],
            Cpus =
            [
                use with
                {
                    Cpu = 4095,
                    Ran =
                    [
                        .. Enumerable.Repeat(
                            use.Ran[0] with
                            {
                                Kind = "kernel",
                                Comm = "fifteen-letters",
                                Pid = 4_194_303,
                                Times = 99_999_999,
                                Ran = 86_400,
                                Longest = 888e-6,
                                HeldUp = 888e-6,
                            },
                            20
                        ),
                    ],
                },
            ],
            Worst =
            [
                seen.Worst[0] with
                {
                    Vcpu = 4095,
                    Cpu = 4095,
                    Seconds = 888e-6,
                    IsOver = false,
                    By = new("kernel", 4_194_303, 4_194_303, "fifteen-letters", 888e-6),
                },
            ],
        };

        var lines = Text(Proof(large)).Split('\n');

        Assert.All(lines, line => Assert.InRange(line.Length, 0, Width));
        Assert.Contains(lines, line => line.Contains("15 others", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("100us", 1_000)]
    [InlineData("1µs", 10)]
    [InlineData("1.5ms", 15_000)]
    [InlineData("2s", 20_000_000)]
    public void A_limit_has_a_unit(string text, long ticks) =>
        Assert.Equal(TimeSpan.FromTicks(ticks), ProveCommand.ReadLimit(text));

    [Theory]
    [InlineData("100")]
    [InlineData("us")]
    [InlineData("0.5us")]
    [InlineData("-1ms")]
    [InlineData("4000s")]
    [InlineData("1e3us")]
    [InlineData("NaNs")]
    public void What_is_no_limit_is_refused(string text) =>
        Assert.Throws<FormatException>(() => ProveCommand.ReadLimit(text));

    [Theory]
    [InlineData(0, "0 ns")]
    [InlineData(999e-9, "999 ns")]
    [InlineData(999.9e-9, "1 µs")]
    [InlineData(1.234e-6, "1.23 µs")]
    [InlineData(12.34e-3, "12.3 ms")]
    [InlineData(0.9999, "1 s")]
    [InlineData(86_400, "86400 s")]
    public void A_length_has_three_digits_and_the_unit_that_fits(double seconds, string text) =>
        Assert.Equal(text, DurationText.Of(seconds));

    private static string Clock(int second, int millisecond) =>
        $"12:00:{second:00}.{millisecond:000}000 UTC";

    private static ProofStatus Proof(WitnessStatus? seen) =>
        new("default", "vm1", 100, 10, true, "fine", [], null, null, seen);

    private static string Text(ProofStatus proof)
    {
        using var text = new StringWriter { NewLine = "\n" };
        Output.Write(ProofText.Render(proof), text, isPipe: true, Width);
        return text.ToString();
    }
}
