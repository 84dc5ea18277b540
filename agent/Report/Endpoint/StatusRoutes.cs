using System.Collections.Immutable;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using PinAgent.Model.Text;
using PinAgent.Model.Vm;
using PinAgent.Report.Page;
using PinAgent.Report.Status;
using PinAgent.Report.Timeline;
using PinAgent.Report.Waits;

namespace PinAgent.Report.Endpoint;

/// <summary>Who answers which path; all but <c>/api/v1/events</c>, which has no end.</summary>
/// <param name="delays">How long the threads have waited.</param>
/// <param name="period">The longest time between the beginnings of two passes.</param>
/// <param name="timeline">What happened; null where nothing is kept.</param>
internal sealed class StatusRoutes(
    StatusStore store,
    RunDelays delays,
    TimeSpan period,
    MetricsPage metrics,
    NodeTimeline? timeline = null
)
{
    /// <summary>The path of the stream of changes.</summary>
    public const string Events = "/api/v1/events";

    /// <summary>The path of the map as a picture.</summary>
    public const string Picture = "/map.svg";

    /// <summary>What the path of one VM begins with; its namespace and name follow.</summary>
    public const string OneVm = "/api/v1/vms/";

    private static readonly TimeSpan ShortestPatience = TimeSpan.FromSeconds(10);

    private readonly SharedAnswers _vms = new();
    private readonly Dictionary<string, Func<HttpRequest, Answer>> _routes = Create(
        store,
        delays,
        period,
        metrics,
        timeline ?? new NodeTimeline(null, TimeProvider.System)
    );

    /// <summary>The other paths.</summary>
    public IReadOnlyCollection<string> Paths => _routes.Keys;

    /// <summary>The answer to a request.</summary>
    public Answer For(HttpRequest request)
    {
        var path = request.Path.Value ?? "";
        return _routes.TryGetValue(path, out var answer) ? answer(request)
            : path.StartsWith(OneVm, StringComparison.Ordinal)
                ? WithStatus(store, current => OneOf(delays.Add(current), request, path))
            : NotFound($"nothing is at {Words.Shown(path)}: see /openapi.json");
    }

    private Answer OneOf(NodeStatus node, HttpRequest request, string path)
    {
        var vms = Named(node, path[OneVm.Length..], request.Query["pid"]);
        return vms is [var vm]
            ? _vms.Get(
                node,
                $"{node.Vms.IndexOf(vm)}",
                () => Answer.Json(vm, ReportJsonContext.Compact.VmStatus)
            )
            : NotOne(node, path[OneVm.Length..], vms);
    }

    private static Dictionary<string, Func<HttpRequest, Answer>> Create(
        StatusStore store,
        RunDelays delays,
        TimeSpan period,
        MetricsPage metrics,
        NodeTimeline timeline
    )
    {
        var css = Answer.File("text/css; charset=utf-8", "page.css");
        var script = Answer.File("text/javascript; charset=utf-8", "page.js");
        var icon = Answer.File("image/svg+xml", "page.svg");
        var openApi = Answer.File("application/json", "openapi.json");
        var ok = Answer.Text("text/plain", "ok\n");
        var pages = new SharedAnswers();
        var shown = new ShownState(delays.Waits, timeline);
        return new()
        {
            ["/"] = request =>
                WithStatus(
                    store,
                    current =>
                        UnlessKnown(
                            pages.Get(
                                shown.Of(current),
                                "/",
                                () => Page(current, delays.Waits, timeline)
                            ),
                            request
                        )
                ),
            [Picture] = request =>
                WithStatus(
                    store,
                    current =>
                    {
                        var show = request.Query["show"] == "waits" ? "waits" : "uses";
                        return pages.Get(
                            shown.Of(current),
                            show,
                            () => Map(current, delays.Waits, show == "waits")
                        );
                    }
                ),
            ["/page.css"] = _ => css,
            ["/page.js"] = _ => script,
            ["/page.svg"] = _ => icon,
            ["/api/v1/status"] = request =>
                WithStatus(store, current => Status(current, delays, request)),
            [MetricsPage.Path] = _ => metrics.Render(),
            ["/openapi.json"] = _ => openApi,
            ["/healthz"] = _ => IsTooLong(store.SinceLastPass, period) ?? ok,
            ["/readyz"] = _ => WithStatus(store, _ => ok),
        };
    }

    private static Answer WithStatus(StatusStore store, Func<PublishedStatus, Answer> answer) =>
        store.Current is { } current ? answer(current) : Answer.NotReady;

    // A page that looks as before isn't sent again: it's asked for every ten seconds.
    private static Answer Page(PublishedStatus current, WaitHistory waits, NodeTimeline timeline)
    {
        var page = Answer.Markup(
            "text/html",
            PageRenderer.Render(waits.Add(current.Status), waits.Picture(), timeline.Picture())
        );
        return page with
        {
            Tag = $"\"{Convert.ToHexStringLower(SHA256.HashData(page.Body.Span))}\"",
        };
    }

    private static Answer Map(PublishedStatus current, WaitHistory waits, bool showsWaits) =>
        Answer.Markup("image/svg+xml", MapSvg.Render(waits.Add(current.Status), showsWaits));

    // The tag tells of changes; the waits, which are never the same, don't count.
    private static Answer Status(PublishedStatus current, RunDelays delays, HttpRequest request) =>
        IsKnown(current.Tag, request)
            ? Answer.Unchanged(current.Tag)
            : Answer.Json(delays.Json(current)) with
            {
                Tag = current.Tag,
            };

    private static Answer UnlessKnown(Answer answer, HttpRequest request) =>
        answer.Tag is { } tag && IsKnown(tag, request) ? Answer.Unchanged(tag) : answer;

    private static bool IsKnown(string tag, HttpRequest request) =>
        request
            .Headers.IfNoneMatch.SelectMany(tags => tags?.Split(',') ?? [])
            .Any(known => known.Trim() == tag || known.Trim() == "*");

    private static Answer? IsTooLong(TimeSpan silence, TimeSpan period)
    {
        var patience = TimeSpan.FromTicks(Math.Max(ShortestPatience.Ticks, 3 * period.Ticks));
        return silence <= patience
            ? null
            : Answer.Problem(
                StatusCodes.Status503ServiceUnavailable,
                "Not alive",
                $"the last pass ended {silence.TotalSeconds:0} s ago: expected one every {period.TotalSeconds} s; see "
                    + "the agent's log"
            );
    }

    // What follows the namespace is the name; a guest's can have slashes.
    private static ImmutableArray<VmStatus> Named(NodeStatus node, string path, string? pid) =>
        [
            .. VmNameMatch
                .Find(
                    path.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase),
                    node.Vms,
                    vm => (vm.Namespace, vm.Name, vm.Pid)
                )
                .Where(vm => pid is null || pid == $"{vm.Pid}"),
        ];

    private static Answer NotOne(NodeStatus node, string path, ImmutableArray<VmStatus> vms) =>
        vms.IsEmpty
            ? NotFound($"no VM {Words.Shown(path)} runs on node {node.Node}: see /api/v1/status")
            : Answer.Problem(
                StatusCodes.Status409Conflict,
                "Ambiguous",
                $"{vms.Length} VMs are called {Words.Shown(path)}: choose one with ?pid=, of "
                    + string.Join(", ", vms.Select(vm => vm.Pid))
            );

    private static Answer NotFound(string detail) =>
        Answer.Problem(StatusCodes.Status404NotFound, "Not found", detail);
}
