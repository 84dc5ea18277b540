using System.Text.Json;
using PinAgent.Cli.Options;
using PinAgent.Cli.Terminal;
using PinAgent.Model.Vm;
using PinAgent.Report.Status;
using Spectre.Console.Rendering;

namespace PinAgent.Cli.Look;

/// <summary>What of a status is shown, and how.</summary>
/// <param name="Vm">The VM that is explained; null for the node.</param>
/// <param name="IsMap">Whether the CPUs are drawn and not the VMs.</param>
/// <param name="IsWide">Whether nothing is left out.</param>
internal sealed record StatusForm(
    OutputFormat Format,
    string? Vm,
    VmFilter Filter,
    bool IsMap,
    bool IsWide
)
{
    /// <summary>Prints a status.</summary>
    /// <returns>The exit code.</returns>
    public static int Print(StatusForm form, NodeStatus status, bool isWatching = false)
    {
        var json = isWatching ? ReportJsonContext.Compact : ReportJsonContext.Readable;
        if (form.Vm is null)
        {
            Output.Print(
                form.Format,
                () => form.Picture(status, Output.TerminalWidth),
                () => JsonSerializer.Serialize(form.Filter.Of(status), json.NodeStatus)
            );
            return ExitCode.Fine;
        }

        if (form.Find(status, out var code) is not { } vm)
        {
            return code;
        }

        Output.Print(
            form.Format,
            () => VmExplanation.Render(status, vm),
            () => JsonSerializer.Serialize(vm, json.VmStatus)
        );
        return ExitCode.Fine;
    }

    /// <summary>The picture of the node.</summary>
    /// <param name="width">The terminal's; null where there is none.</param>
    public IRenderable Picture(NodeStatus status, int? width) =>
        IsMap ? MapLines.Render(status, width ?? Output.PictureWidth)
        : IsWide ? StatusTable.Render(Filter.Of(status))
        : StatusLines.Render(status, Filter, width);

    /// <summary>Whether a VM is one of those that are asked for.</summary>
    public bool Watches(VmStatus vm) =>
        Filter.Has(vm)
        && (
            Vm is null
            || VmNameMatch.Find(Vm, [vm], one => (one.Namespace, one.Name, one.Pid)).Count > 0
        );

    /// <summary>The one VM; null if it isn't exactly one, which is said.</summary>
    /// <param name="code">The exit code then.</param>
    public VmStatus? Find(NodeStatus status, out int code)
    {
        var vms = VmNameMatch.Find(Vm!, status.Vms, vm => (vm.Namespace, vm.Name, vm.Pid));
        code = vms.Count switch
        {
            1 => ExitCode.Fine,
            0 => Failure.No($"no VM {Vm} runs on node {status.Node}: see pinagent status"),
            _ => Failure.Usage(
                $"--vm {Vm}: several VMs have this name: choose one by its full name or its pid, of "
                    + string.Join(
                        ", ",
                        vms.Select(vm => $"{vm.Namespace}/{vm.Name} (pid {vm.Pid})")
                    )
            ),
        };
        return vms is [var one] ? one : null;
    }
}
