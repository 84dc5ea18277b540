using PinAgent.Apply;
using PinAgent.Model.Text;
using PinAgent.Model.Vm;
using PinAgent.Report.Status;

namespace PinAgent.Report.Page;

/// <summary>A VM's threads.</summary>
internal static class ThreadHtml
{
    /// <summary>The table, vCPUs first.</summary>
    public static Html Table(VmStatus vm) =>
        Html.Of(
            $"""
            <table>
            <thead><tr><th scope="col">Thread</th><th scope="col">Wanted</th><th scope="col">Actual</th><th scope="col">Outcome</th></tr></thead>
            <tbody>
            {Html.Lines(
                vm.Threads.OrderBy(thread => thread.Role).ThenBy(thread => thread.Index).Select(Row)
            )}
            </tbody>
            </table>
            """
        );

    private static Html Row(ThreadStatus thread)
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
        var look = thread.Outcome
            is null
                or Outcome.Applied
                or Outcome.AlreadyRight
                or Outcome.ThreadGone
            ? ""
            : "off";
        return Html.Of(
            $"""<tr class="{look}"><th scope="row">{role}{number} <small><bdi>{thread.Comm}</bdi> {thread.Tid}</small>{rule}</th><td>{Cpus(thread.Wanted?.ToString() ?? "–")}</td><td>{Cpus(thread.Actual?.ToString() ?? "gone")}</td><td>{thread.Outcome?.ToString() ?? "–"}</td></tr>"""
        );
    }

    // A long list can be broken at its spaces.
    private static string Cpus(string list) => list.Replace(",", ", ", StringComparison.Ordinal);
}
