using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace PinAgent.Report.Endpoint;

/// <summary>Answers HTTP requests: what is the same wherever the agent listens.</summary>
/// <param name="logger">The log.</param>
/// <param name="stopping">The agent stops.</param>
internal abstract partial class HttpApplication(ILogger logger, CancellationToken stopping)
    : IHttpApplication<HttpContext>
{
    // The page's style and script are files of ours; a browser takes nothing from anywhere else.
    private const string ContentSecurityPolicy =
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; "
        + "form-action 'none'; frame-ancestors 'none'";

    /// <inheritdoc/>
    public HttpContext CreateContext(IFeatureCollection contextFeatures) =>
        new DefaultHttpContext(contextFeatures);

    /// <inheritdoc/>
    public void DisposeContext(HttpContext context, Exception? exception) { }

    /// <inheritdoc/>
    public async Task ProcessRequestAsync(HttpContext context)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(
            stopping,
            context.RequestAborted
        );
        try
        {
            AddHeaders(context.Response.Headers);
            await AnswerAsync(context, stop.Token);
        }
        catch (Exception) when (stop.IsCancellationRequested)
        {
            // The client has gone, or the agent goes.
        }
        catch (Exception problem) when (!context.Response.HasStarted)
        {
            // A bug, which must cost this answer and not the pins.
            LogFailed(problem);
            await SendAsync(
                context.Response,
                Answer.Problem(
                    StatusCodes.Status500InternalServerError,
                    "A bug in the agent",
                    "this can't be answered: see the agent's log"
                ),
                stop.Token
            );
        }
    }

    /// <summary>Answers one request.</summary>
    protected abstract Task AnswerAsync(HttpContext context, CancellationToken stop);

    /// <summary>The refusal of what isn't a question; null for what is.</summary>
    protected static Answer? RefuseMethod(HttpRequest request) =>
        HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method)
            ? null
            : Answer.Problem(
                StatusCodes.Status405MethodNotAllowed,
                "Read-only",
                "expected GET or HEAD: nothing can be changed here"
            );

    /// <summary>Sends an answer.</summary>
    protected static async Task SendAsync(
        HttpResponse response,
        Answer answer,
        CancellationToken stop
    )
    {
        response.StatusCode = answer.Status;
        response.ContentType = answer.ContentType;
        response.Headers.ETag = answer.Tag;
        if (answer.Status == StatusCodes.Status405MethodNotAllowed)
        {
            response.Headers.Allow = "GET, HEAD";
        }

        if (answer.ContentType is null)
        {
            return;
        }

        response.ContentLength = answer.Body.Length;
        if (!HttpMethods.IsHead(response.HttpContext.Request.Method))
        {
            await response.Body.WriteAsync(answer.Body, stop);
        }
    }

    private static void AddHeaders(IHeaderDictionary headers)
    {
        headers.CacheControl = "no-store";
        headers.ContentSecurityPolicy = ContentSecurityPolicy;
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
    }

    [LoggerMessage(40, LogLevel.Error, "HTTP: an answer failed")]
    private partial void LogFailed(Exception problem);
}
