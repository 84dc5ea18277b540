using System.Collections.Immutable;
using Microsoft.AspNetCore.Http;
using PinAgent.Report.Page;

namespace PinAgent.Report.Endpoint;

/// <summary>Who answers which path; all but <c>/api/v1/events</c>, which has no end.</summary>
/// <param name="store">The current status.</param>
/// <param name="period">The longest time between the beginnings of two passes.</param>
internal sealed class StatusRoutes(StatusStore store, TimeSpan period)
{
    /// <summary>The path of the stream of changes.</summary>
    public const string Events = "/api/v1/events";

    private const string OneVm = "/api/v1/vms/";
    private static readonly TimeSpan ShortestPatience = TimeSpan.FromSeconds(10);

    private readonly Answer _openApi = Endpoint.Answer.File("application/json", "openapi.json");
    private readonly Answer _css = Endpoint.Answer.File("text/css; charset=utf-8", "page.css");
    private readonly Answer _script = Endpoint.Answer.File(
        "text/javascript; charset=utf-8",
        "page.js"
    );

    /// <summary>The answer to a request for a path.</summary>
    public Answer Answer(HttpRequest request) =>
        request.Path.Value switch
        {
            "/" => WithStatus(Page),
            "/page.css" => _css,
            "/page.js" => _script,
            "/openapi.json" => _openApi,
            "/healthz" => Health(),
            "/readyz" => WithStatus(_ => Endpoint.Answer.Text("text/plain", "ok\n")),
            "/api/v1/status" => WithStatus(current => Status(current, request)),
            { } path when path.StartsWith(OneVm, StringComparison.Ordinal) => WithStatus(current =>
                Vm(current.Status, path[OneVm.Length..], request.Query["pid"])
            ),
            var path => NotFound($"nothing is at {path}: see /openapi.json"),
        };

    private Answer WithStatus(Func<PublishedStatus, Answer> answer) =>
        store.Current is { } current
            ? answer(current)
            : Endpoint.Answer.Problem(
                StatusCodes.Status503ServiceUnavailable,
                "Not ready",
                "the agent hasn't made its first pass yet: ask again in a second"
            );

    private static Answer Page(PublishedStatus current) =>
        Endpoint.Answer.Text("text/html", PageRenderer.Render(current.Status));

    private static Answer Status(PublishedStatus current, HttpRequest request) =>
        request
            .Headers.IfNoneMatch.SelectMany(tags => tags?.Split(',') ?? [])
            .Any(tag => tag.Trim() == current.Tag || tag.Trim() == "*")
            ? new Answer(StatusCodes.Status304NotModified, null, default) { Tag = current.Tag }
            : Endpoint.Answer.Json(current.Json) with
            {
                Tag = current.Tag,
            };

    private Answer Health()
    {
        var patience = TimeSpan.FromTicks(Math.Max(ShortestPatience.Ticks, 3 * period.Ticks));
        var silence = store.SinceLastPass;
        return silence <= patience
            ? Endpoint.Answer.Text("text/plain", "ok\n")
            : Endpoint.Answer.Problem(
                StatusCodes.Status503ServiceUnavailable,
                "Not alive",
                $"the last pass ended {silence.TotalSeconds:0} s ago: expected one every {period.TotalSeconds} s; see "
                    + "the agent's log"
            );
    }

    // What follows the namespace is the name; a guest's can have slashes.
    private static Answer Vm(NodeStatus node, string path, string? pid)
    {
        var vms = node
            .Vms.Where(vm =>
                $"{vm.Namespace}/{vm.Name}"
                    == path.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase)
                && (pid is null || pid == $"{vm.Pid}")
            )
            .ToImmutableArray();
        return vms switch
        {
            [] => NotFound($"no VM {path} runs on node {node.Node}: see /api/v1/status"),
            [var vm] => Endpoint.Answer.Json(vm, ReportJsonContext.Compact.VmStatus),
            _ => Endpoint.Answer.Problem(
                StatusCodes.Status409Conflict,
                "Ambiguous",
                $"{vms.Length} VMs are called {path}: choose one with ?pid=, of "
                    + string.Join(", ", vms.Select(vm => vm.Pid))
            ),
        };
    }

    private static Answer NotFound(string detail) =>
        Endpoint.Answer.Problem(StatusCodes.Status404NotFound, "Not found", detail);
}
