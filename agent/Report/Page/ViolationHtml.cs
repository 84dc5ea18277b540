using PinAgent.Model.Node;
using PinAgent.Report.Status;
using PinAgent.Report.Waits;

namespace PinAgent.Report.Page;

/// <summary>The violations, each in the colour and with the word of how bad it is, the worst first.</summary>
internal static class ViolationHtml
{
    // The others are a click away: the VMs are below.
    private const int Shown = 5;

    /// <summary>The sections; nothing if there are none.</summary>
    public static Html Render(NodeStatus status)
    {
        var disturbed = Disturbance.Of(status);
        return Html.Lines(
            status
                .Violations.GroupBy(one => Verdict.SeverityOf(one, status, disturbed))
                .OrderByDescending(same => same.Key)
                .Select(same => Section(same.Key, [.. same.Select(one => one.Message)]))
        );
    }

    private static Html Section(Severity severity, List<string> messages)
    {
        var (look, heading) = severity switch
        {
            Severity.Broken => ("problem", "Broken promises"),
            Severity.Disturbing => ("attention", "Disturbing"),
            _ => ("quiet", "May disturb"),
        };
        var rest =
            messages.Count > Shown
                ? Html.Of(
                    $"""
                    <details id="violations-{look}"><summary>{messages.Count - Shown} more</summary>
                    {NodeHtml.List(messages[Shown..])}
                    </details>
                    """
                )
                : Html.None;
        return Html.Of(
            $"""
            <section class="sentences {look}"><h2>{heading}</h2>
            {NodeHtml.List(messages[..Math.Min(Shown, messages.Count)])}
            {rest}
            </section>
            """
        );
    }
}
