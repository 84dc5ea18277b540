using PinAgent.Apply;
using PinAgent.Model.Text;
using PinAgent.Model.Vm;
using PinAgent.Report.Status;
using PinAgent.Report.Waits;

namespace PinAgent.Report.Page;

/// <summary>A VM's threads.</summary>
internal static class ThreadHtml
{
    /// <summary>The table, vCPUs first.</summary>
    public static Html Table(VmStatus vm, WaitPicture waits)
    {
        var isKnown = vm.Threads.Any(thread => thread.Wait is not null);
        // That all went well needs no column: the VM says it.
        var isTold = vm.Threads.Any(IsOff);
        return Html.Of(
            $"""
            <table>
            <thead><tr><th scope="col">Thread</th><th scope="col">Wanted</th><th scope="col">Actual</th>{(isTold ? Html.Of($"""<th scope="col">Outcome</th>""") : Html.None)}{(isKnown ? Html.Of($"""<th scope="col">Waited</th>""") : Html.None)}</tr></thead>
            <tbody>
            {Html.Lines(
                vm.Threads.OrderBy(thread => thread.Role).ThenBy(thread => thread.Index).Select(thread => Row(vm, thread, isTold, isKnown, waits.Of(vm.Pid, thread.Tid)))
            )}
            </tbody>
            </table>
            """
        );
    }

    private static bool IsOff(ThreadStatus thread) =>
        thread.Outcome
            is not (null or Outcome.Applied or Outcome.AlreadyRight or Outcome.ThreadGone);

    private static Html Row(
        VmStatus vm,
        ThreadStatus thread,
        bool isOutcomeTold,
        bool isWaitKnown,
        ReadOnlySpan<ushort> waits
    )
    {
        var number = thread.Index is { } index ? $" {index}" : "";
        var role = thread.Role == ThreadRole.Vcpu ? "vCPU" : thread.Role.ToWord();
        var rules = new[]
        {
            thread.Rule,
            thread.Realtime is { } realtime ? $"priority {realtime.Describe()}" : null,
        };
        var rule = Html.Lines(
            rules
                .OfType<string>()
                .Select(text => Html.Of($"""<small class="rule">{text}</small>"""))
        );
        var look = IsOff(thread) ? "off" : "";
        var outcome = isOutcomeTold
            ? Html.Of($"<td>{thread.Outcome?.ToString() ?? "–"}</td>")
            : Html.None;
        var waited =
            !isWaitKnown ? Html.None
            : thread.Wait is { } wait
                ? Html.Of(
                    $"""<td class="waits{(vm.Dedicated ? $" s{WaitWords.Level(wait.Minute)}" : "")}"><span>{WaitWords.Percent(wait.Minute)}</span> {Sparkline.Of(waits, vm.Dedicated)}</td>"""
                )
            : Html.Of($"<td>–</td>");
        return Html.Of(
            $"""<tr class="{look}"><th scope="row">{role}{number} <small><bdi>{thread.Comm}</bdi> {thread.Tid}</small>{rule}</th><td>{Cpus(thread.Wanted?.ToString() ?? "–")}</td><td>{Cpus(thread.Actual?.ToString() ?? "gone")}</td>{outcome}{waited}</tr>"""
        );
    }

    // A long list can be broken at its spaces.
    private static string Cpus(string list) => list.Replace(",", ", ", StringComparison.Ordinal);
}
