using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using PinAgent.Cli.Ask;
using PinAgent.Cli.Options;
using PinAgent.Cli.Terminal;
using PinAgent.Observe.Proof;
using PinAgent.Report.Proof;
using Spectre.Console;

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
            Exits with 0 if pinning works, 1 if it's spoiled or there is no such VM, 2 for a wrong call, 3 if it couldn't be done.
            """,
            "pinagent prove --vm default/vm1 --for 30s"
        )
        {
            Vm,
            For,
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

            var sampler = new ProofSampler(machine.Files, TimeProvider.System);
            var before = sampler.Read(vm);
            await Task.Delay(For.Get(parsed), stop);
            var proof = PinningProof.Of(
                vm,
                (chosen.Namespace, chosen.Name),
                before,
                sampler.Read(vm)
            );
            Output.Print(
                Format.Get(parsed),
                () => Render(proof),
                () => JsonSerializer.Serialize(proof, ProofJson.Default.ProofStatus)
            );
            return proof.Holds ? ExitCode.Fine : ExitCode.No;
        }
        catch (InvalidDataException problem)
        {
            return Failure.Because($"prove: {problem.Message}");
        }
    }

    private static Rows Render(ProofStatus proof)
    {
        var table = new PlainTable(
            "VCPU",
            "CPU",
            "RAN",
            "WAITED",
            "MOVED",
            "PREEMPTED",
            "INTERRUPTS",
            "OTHERS RAN"
        );
        foreach (var vcpu in proof.Vcpus)
        {
            table.AddRow(
                new[]
                {
                    $"{vcpu.Index}",
                    vcpu.Cpus ?? "?",
                    Seconds(vcpu.RunSeconds),
                    Seconds(vcpu.WaitSeconds),
                    $"{vcpu.Migrations?.ToString(CultureInfo.InvariantCulture) ?? "?"}",
                    $"{vcpu.InvoluntarySwitches?.ToString(CultureInfo.InvariantCulture) ?? "?"}",
                    $"{vcpu.Interrupts?.ToString(CultureInfo.InvariantCulture) ?? "?"}",
                    vcpu.ForeignSeconds is { } foreign ? Seconds(foreign) : "?",
                }
                    .Select(text => new Cell(text))
                    .ToArray()
            );
        }

        return new Rows(
            new Flow(
                $"{proof.Namespace}/{proof.Name} (pid {proof.Pid}), measured for {Seconds(proof.Seconds)}"
            ),
            new Flow(""),
            table,
            new Flow(""),
            new Flow(proof.Verdict)
        );
    }

    private static string Seconds(double seconds) =>
        string.Create(CultureInfo.InvariantCulture, $"{seconds:0.000} s");
}
