using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using PinAgent.Kubernetes.Client;
using PinAgent.Observe.Cluster;

namespace PinAgent.Report.Endpoint.Scrape;

/// <summary>Answers those who scrape from other nodes: the metrics, for whom the cluster lets read them.</summary>
internal sealed partial class ScrapeApplication(
    MetricsPage metrics,
    ScrapeGuard guard,
    ILogger<ScrapeServer> logger,
    CancellationToken stopping
) : HttpApplication(logger, stopping)
{
    private const string Scheme = "Bearer ";

    private readonly ILogger _logger = logger;
    private readonly BodiesInFlight _bodies = new(HttpServer.MostInFlight);
    private string? _told;

    /// <inheritdoc/>
    protected override async Task AnswerAsync(HttpContext context, CancellationToken stop)
    {
        var request = context.Request;
        var answer =
            RefusePath(request)
            ?? RefuseMethod(request)
            ?? await RefuseReaderAsync(
                request.Headers.Authorization.ToString(),
                context.Connection.RemoteIpAddress,
                stop
            )
            ?? metrics.Render();
        if (answer.Status == StatusCodes.Status401Unauthorized)
        {
            context.Response.Headers.WWWAuthenticate = "Bearer";
        }
        else if (answer.Status == StatusCodes.Status429TooManyRequests)
        {
            context.Response.Headers.RetryAfter = "10";
        }

        await SendAsync(context.Response, answer, _bodies, stop);
    }

    private static Answer? RefusePath(HttpRequest request) =>
        request.Path.Value == MetricsPage.Path
            ? null
            : Answer.Problem(
                StatusCodes.Status404NotFound,
                "Not found",
                $"only {MetricsPage.Path} is here"
            );

    private async Task<Answer?> RefuseReaderAsync(
        string authorization,
        IPAddress? from,
        CancellationToken stop
    )
    {
        if (
            !authorization.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
            || authorization[Scheme.Length..].Trim() is not { Length: > 0 } token
        )
        {
            return Unauthorized("expected the header Authorization: Bearer TOKEN, found none");
        }

        try
        {
            var admission = await guard.AskAsync(token, from, stop);
            if (admission == Admission.Allowed)
            {
                _told = null;
            }

            return admission switch
            {
                Admission.Allowed => null,
                null => Answer.Problem(
                    StatusCodes.Status429TooManyRequests,
                    "Too many requests",
                    "the cluster isn't asked about so many tokens that it hasn't let in before: try again in 10 s"
                ),
                Admission.Forbidden => Answer.Problem(
                    StatusCodes.Status403Forbidden,
                    "Forbidden",
                    $"expected the right to get the nonResourceURL {MetricsPage.Path}, as ClusterRole pinagent-metrics-reader "
                        + "gives it; the token's user hasn't it"
                ),
                _ => Unauthorized("expected a token that the cluster knows, found another"),
            };
        }
        catch (Exception exception)
            when (!stop.IsCancellationRequested && ApiProblem.Of(exception) is { } problem)
        {
            TellOnce(problem.Message);
            return Answer.Problem(
                StatusCodes.Status503ServiceUnavailable,
                "No answer from the cluster",
                problem.Kind == ApiProblemKind.Forbidden
                    ? problem.Message
                    : "the API server can't be asked who may read this: see the agent's log"
            );
        }
    }

    private static Answer Unauthorized(string detail) =>
        Answer.Problem(StatusCodes.Status401Unauthorized, "Unauthorized", detail);

    private void TellOnce(string problem)
    {
        if (Interlocked.Exchange(ref _told, problem) != problem)
        {
            LogNotAsked(problem);
        }
    }

    [LoggerMessage(
        43,
        LogLevel.Warning,
        "Metrics: the cluster can't be asked who may read them: {Problem}"
    )]
    private partial void LogNotAsked(string problem);
}
