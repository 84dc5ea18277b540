using System.Globalization;
using PinAgent.Cli.Terminal;
using PinAgent.Report.Proof;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace PinAgent.Cli.Proof;

/// <summary>What <c>pinagent prove</c> tells people.</summary>
internal static class ProofText
{
    /// <summary>The answer: the counters, what the kernel saw where it did, and the verdict.</summary>
    public static Rows Render(ProofStatus proof) =>
        new([
            new Flow(
                $"{proof.Namespace}/{proof.Name} (pid {proof.Pid}), measured for {Seconds(proof.Seconds)}"
            ),
            new Flow(""),
            Counters(proof),
            new Flow(""),
            .. proof.Witness is { } witness ? WitnessText.Render(witness) : [],
            .. proof.WithoutWitness is { } why ? WithoutWitness(why) : [],
            new Flow(proof.Verdict),
        ]);

    private static IRenderable[] WithoutWitness(string why) =>
        [
            new Flow(
                "These are counters. With eBPF it would also be told how long each vCPU waited at the longest, for whom, and "
                    + $"when. It can't be had: {why}"
            ),
            new Flow(""),
        ];

    private static PlainTable Counters(ProofStatus proof)
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
                $"{vcpu.Index}",
                vcpu.Cpus ?? "?",
                Seconds(vcpu.RunSeconds),
                Seconds(vcpu.WaitSeconds),
                Number(vcpu.Migrations),
                Number(vcpu.InvoluntarySwitches),
                Number(vcpu.Interrupts),
                vcpu.ForeignSeconds is { } foreign ? Seconds(foreign) : "?"
            );
        }

        return table;
    }

    private static string Number(long? number) =>
        number?.ToString(CultureInfo.InvariantCulture) ?? "?";

    private static string Seconds(double seconds) =>
        string.Create(CultureInfo.InvariantCulture, $"{seconds:0.000} s");
}
