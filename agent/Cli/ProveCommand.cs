using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using PinAgent.Cli.Ask;
using PinAgent.Cli.Options;
using PinAgent.Cli.Proof;
using PinAgent.Cli.Terminal;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.NativeInterop.Bpf.Witness;
using PinAgent.Observe.Proof;
using PinAgent.Report.Proof;

namespace PinAgent.Cli;

/// <summary><c>pinagent prove</c>: the proof that pinning works, or the name of what spoils it.</summary>
internal static class ProveCommand
{
    private static readonly Option<string> Vm = new("--vm")
    {
        Description = "The VM: its name, with or without namespace, or its pid.",
        HelpName = "NAME",
        Required = true,
    };

    private static readonly Settings.Setting<TimeSpan> For = new(
        "--for",
        "TIME",
        "How long to measure: 10s, 5m.",
        "30s",
        text =>
            ExplainCommand.ReadTime(text) is { TotalSeconds: >= 1 and <= 86_400 } time
                ? time
                : throw new FormatException($"expected 1s to 1d, found \"{text}\"")
    )
    {
        IsInFile = false,
    };

    private static readonly Settings.Setting<TimeSpan?> Limit = new(
        "--limit",
        "TIME|off",
        "The longest a vCPU may wait for its CPU: 100us, 2ms. Needs eBPF.",
        "off",
        ReadLimit
    )
    {
        IsInFile = false,
    };

    private static readonly Settings.Setting<OutputFormat> Format = CommonOptions.Output("table");

    public static Command Create()
    {
        var command = new DetailedCommand(
            "prove",
            "Measure whether pinning works: did each vCPU have its CPU to itself, and if not, because of whom?",
            """
            Reads the kernel's counters twice and changes nothing. Per vCPU: how long it ran; how long it waited for its CPU
            while something else ran there; how often it changed its CPU, or lost it to another thread; the interrupts of its
            CPU, and how long something else ran on it. Pinning is spoiled by a vCPU that isn't on one CPU, changed it, waited
            more than a thousandth of the time or shared it for more than a hundredth, and by a container that its CPU limit
            held back. Migrations need a kernel with CONFIG_SCHED_DEBUG.
            With eBPF (CAP_BPF, CAP_PERFMON, Linux 5.18) the kernel is the witness: it sees every wait of a vCPU, from being
            woken and from losing its CPU to running again, and who had the CPU meanwhile. Told are p50, p99, p99.9 (a quarter
            too long at most) and the longest, who ran there for how long in all and at a stretch, the ten longest waits with
            their times, and what watching cost. Timers and calls between CPUs are counted, not timed.
            Pinning is also spoiled by a vCPU that waited longer than --limit, be it once.
            Exits with 0 if pinning works, 1 if it's spoiled or there is no such VM, 2 for a wrong call, 3 if it couldn't be
            done, as --limit can't without eBPF.
            """,
            """
            pinagent prove --vm default/vm1 --for 30s
            pinagent prove --vm default/vm1 --for 5m --limit 100us
            """
        )
        {
            Vm,
            For,
            Limit,
            Format,
        };
        command.Add(EndpointOptions.Socket);
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken stop)
    {
        try
        {
            using var machine = await LiveMachine.OpenAsync(parsed, stop);
            var chosen = NamedVm.Choose(parsed.GetRequiredValue(Vm), machine.Vms, out var problem);
            if (chosen is null)
            {
                return machine.Unasked is { } unasked
                    ? Failure.Because($"prove: {problem}; {unasked}")
                    : Failure.No($"prove: {problem}");
            }

            var vm = machine.Observer.Observe().Vms.FirstOrDefault(vm => vm.Key.Pid == chosen.Pid);
            if (vm is null)
            {
                return Failure.No($"prove: {chosen.FullName} (pid {chosen.Pid}) has just ended");
            }

            var limit = Limit.Get(parsed);
            var sampler = new ProofSampler(machine.Files, TimeProvider.System);
            var before = sampler.Read(vm);
            using var witness = Open(vm, before, limit, out var why);
            await Task.Delay(For.Get(parsed), stop);
            var seen = witness is null ? null : WitnessReport.Of(vm, witness.End(), limit);
            var proof = PinningProof.Of(
                vm,
                (chosen.Namespace, chosen.Name),
                before,
                sampler.Read(vm),
                seen,
                why
            );
            Output.Print(
                Format.Get(parsed),
                () => ProofText.Render(proof),
                () => JsonSerializer.Serialize(proof, ProofJson.Default.ProofStatus)
            );
            return proof.Holds ? ExitCode.Fine : ExitCode.No;
        }
        catch (InvalidDataException problem)
        {
            return Failure.Because($"prove: {problem.Message}");
        }
    }

    // Whoever asks for a limit wants it held against every wait: the counters know none of them.
    private static SchedulingWitness? Open(
        ObservedVm vm,
        ProofSample before,
        TimeSpan? limit,
        out string? why
    )
    {
        var threads = WitnessReport.Threads(vm);
        var cpus = before
            .BusySeconds.Keys.Concat(threads.Select(thread => thread.Cpu ?? 0))
            .DefaultIfEmpty()
            .Max();
        why = SchedulingWitness.TryOpen(new(threads, cpus + 1), out var witness);
        return why is null || limit is null
            ? witness
            : throw new InvalidDataException(
                $"--limit {DurationText.Of(limit.Value.TotalSeconds)} can't be judged by counters: {why}"
            );
    }

    /// <summary>Understands a limit like <c>100us</c>.</summary>
    /// <exception cref="FormatException">It isn't one.</exception>
    internal static TimeSpan? ReadLimit(string text)
    {
        if (text == "off")
        {
            return null;
        }

        foreach (
            var (unit, ticks) in ((string, double)[])
                [("us", 10), ("µs", 10), ("ms", 10_000), ("s", 10_000_000)]
        )
        {
            if (
                text.EndsWith(unit, StringComparison.Ordinal)
                && double.TryParse(
                    text[..^unit.Length],
                    NumberStyles.AllowDecimalPoint,
                    CultureInfo.InvariantCulture,
                    out var number
                )
                && number * ticks is >= 10 and <= 3600e7
            )
            {
                return TimeSpan.FromTicks((long)(number * ticks));
            }
        }

        throw new FormatException(
            $"expected a time from 1us to 3600s, like 100us or 2ms, or off, found \"{text}\""
        );
    }
}
