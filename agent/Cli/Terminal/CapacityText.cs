using PinAgent.Plan.Capacity;
using PinAgent.Report.Status;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace PinAgent.Cli.Terminal;

/// <summary>Draws the answer of <c>capacity</c>.</summary>
internal static class CapacityText
{
    public static IRenderable Render(CapacityStatus status)
    {
        var (each, free) = (status.Each, status.Free);
        string[] lines =
        [
            status.Fits switch
            {
                0 => "no more such VM fits",
                1 => "1 more such VM fits",
                var many => $"{many} more such VMs fit",
            },
            status.RunsOut switch
            {
                CapacityLimit.SmtAlignment =>
                    "its CPUs aren't a whole number of cores: full-pcpus-only rejects it; give it an even number "
                        + "(--even-parity with an isolated emulator)",
                CapacityLimit.SharedPool => "runs out first: the shared pool",
                CapacityLimit.Memory => "runs out first: memory",
                _ => "runs out first: whole CPUs",
            },
            $"whole CPUs: {each.WholeCpus} each, {free.WholeCpus} free",
            $"requests of CPUs: {each.Cpu} each, {free.Cpu} free",
            each.Memory is null || free.Memory is null
                ? "memory: not counted"
                : $"memory in bytes: {each.Memory} each, {free.Memory} free",
            .. status.Notes.Select(note => $"note: {note}"),
        ];
        return new Rows(lines.Select(line => new Flow(line)));
    }
}
