using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Report.Map;
using PinAgent.Report.Status;
using PinAgent.Report.Timeline;
using PinAgent.Report.Waits;

namespace PinAgent.Report.Page;

/// <summary>The page for people: which vCPU runs on which CPU, and why a VM isn't pinned. Pure.</summary>
internal static class PageRenderer
{
    /// <summary>The whole HTML document. It's complete without JavaScript; <c>page.js</c> keeps it current.</summary>
    public static Html Render(
        NodeStatus status,
        WaitPicture? waits = null,
        TimelinePicture? timeline = null
    )
    {
        var map = NodeMap.Of(status);
        var tags = VmTag.Of(status);
        var verdict = Verdict.Of(status, map);
        var happened = new TimelineHtml(timeline, status, tags);
        var vms = status
            .Vms.Index()
            .OrderBy(vm => Urgency(vm.Item, status))
            .Select(vm =>
                VmHtml.Render(
                    vm.Item,
                    tags[vm.Index],
                    waits ?? WaitPicture.None,
                    happened.Of(vm.Item)
                )
            );
        return Html.Of(
            $"""
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <title>{status.Node}: {verdict.Sentence}</title>
            <link rel="icon" href="/page.svg" type="image/svg+xml">
            <link rel="stylesheet" href="/page.css">
            <script src="/page.js" defer></script>
            </head>
            <body>
            <header>
            <p class="product">PinAgent</p>
            <h1><bdi>{status.Node}</bdi></h1>
            <p class="live" hidden></p>
            <noscript><p class="live">As of loading; reload for the present state.</p></noscript>
            </header>
            <p class="announcement" role="status"></p>
            <main{(status.Waits is null ? Html.None : Html.Of($""" data-moves """))}>
            <div class="verdict {Look(verdict)}">
            <p><strong>{Word(
                verdict
            )}</strong> <span class="sentence">{verdict.Sentence}</span></p>
            {Remarks(verdict)}
            </div>
            {Banner(status)}
            {Jumps(happened)}
            {NodeHtml.Figures(status, map)}
            <div class="columns">
            {new MapHtml(status, map, tags).Render()}
            <div class="side">
            {ViolationHtml.Render(status)}
            {NodeHtml.Sentences("Notices", "attention", status.Notices)}
            <section class="vms" aria-labelledby="vms">
            <div class="head"><h2 id="vms">VMs</h2></div>
            <ul>
            {(
                status.Vms.IsEmpty
                    ? Html.Of($"<li>No QEMU process found.</li>")
                    : Html.Lines(vms)
            )}
            </ul>
            </section>
            </div>
            {happened.Render()}
            {NodeHtml.Section(status)}
            </div>
            </main>
            </body>
            </html>
            """
        );
    }

    private static Html Banner(NodeStatus status) =>
        status.Mode == AgentMode.Audit
            ? Html.Of(
                $"""<p class="banner"><strong>Audit mode</strong> PinAgent reports and changes nothing on this node. {status.ModeMessage}</p>"""
            )
            : Html.None;

    // On a phone, and on a large machine, what isn't the map is many screens below.
    private static Html Jumps(TimelineHtml happened) =>
        Html.Of(
            $"""<nav class="jumps" aria-label="On this page"><a id="to-cpus" href="#cpus">CPUs</a> <a id="to-vms" href="#vms">VMs</a> {(happened.IsEmpty ? Html.None : Html.Of($"""<a id="to-timeline" href="#timeline">What happened</a> """))}<a id="to-node" href="#node">Node</a></nav>"""
        );

    private static Html Remarks(Verdict verdict) =>
        verdict.Remarks.IsEmpty
            ? Html.None
            : Html.Of(
                $"""<p class="remarks">Also: {NodeHtml.Timed(string.Join("; ", verdict.Remarks))}.</p>"""
            );

    // What needs somebody comes first; within that, the order is the status's.
    private static int Urgency(VmStatus vm, NodeStatus status) =>
        vm switch
        {
            { State: VmState.NotDedicated } => 5,
            { Slow: { Until: null }, State: VmState.Pinned } => 1,
            { State: VmState.Pinned } => WaitWords.Worst(vm)
                is { Wait.Minute: >= WaitWords.Disturbed }
                ? 1
            : WaitWords.WasSlow(vm, status) ? 2
            : 4,
            { Reason: Reason.AuditMode } => 3,
            _ => 0,
        };

    private static string Look(Verdict verdict) =>
        verdict switch
        {
            { OnlyAudits: true } => "audit",
            { Health: Health.Fine } => "fine",
            { Health: Health.Attention } => "attention",
            _ => "problem",
        };

    private static string Word(Verdict verdict) =>
        verdict switch
        {
            { OnlyAudits: true } => "Audit",
            { Health: Health.Fine } => "Healthy",
            { Health: Health.Attention } => "Needs attention",
            _ => "Problem",
        };
}
