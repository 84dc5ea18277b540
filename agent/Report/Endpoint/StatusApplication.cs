using System.Net;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace PinAgent.Report.Endpoint;

/// <summary>Answers HTTP requests: checks what holds for every path, and asks the path's route.</summary>
/// <param name="routes">The routes.</param>
/// <param name="overTcp">The stream of changes for clients over TCP.</param>
/// <param name="overSocket">The same for clients of the Unix socket, whose places nobody else can take.</param>
/// <param name="logger">The log.</param>
/// <param name="stopping">The agent stops.</param>
internal sealed partial class StatusApplication(
    StatusRoutes routes,
    EventStream overTcp,
    EventStream overSocket,
    ILogger<StatusServer> logger,
    CancellationToken stopping
) : IHttpApplication<HttpContext>
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

    private async Task AnswerAsync(HttpContext context, CancellationToken stop)
    {
        // No RemoteIpAddress: a Unix socket's client.
        var isTcp = context.Connection.RemoteIpAddress is not null;
        var (request, response) = (context.Request, context.Response);
        var answer = Refuse(request, isTcp);
        if (answer is null && request.Path.Value == StatusRoutes.Events)
        {
            if (await (isTcp ? overTcp : overSocket).TrySendAsync(response, stop))
            {
                return;
            }

            answer = Answer.Problem(
                StatusCodes.Status503ServiceUnavailable,
                "Too many clients",
                "as many clients as the agent serves follow its changes: close one, or read /api/v1/status"
            );
        }

        answer ??= routes.For(request);
        if (answer.Status == StatusCodes.Status405MethodNotAllowed)
        {
            response.Headers.Allow = "GET, HEAD";
        }

        await SendAsync(response, answer, stop);
    }

    private static Answer? Refuse(HttpRequest request, bool isTcp)
    {
        if (isTcp && !IsLoopback(request.Host.Host))
        {
            // A web page elsewhere can make its own name mean 127.0.0.1 (DNS rebinding).
            return Answer.Problem(
                StatusCodes.Status421MisdirectedRequest,
                "Misdirected request",
                "expected Host localhost, 127.0.0.1 or [::1], found another"
            );
        }

        return HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method)
            ? null
            : Answer.Problem(
                StatusCodes.Status405MethodNotAllowed,
                "Read-only",
                "expected GET or HEAD: nothing can be changed here"
            );
    }

    private static bool IsLoopback(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));

    private static async Task SendAsync(
        HttpResponse response,
        Answer answer,
        CancellationToken stop
    )
    {
        response.StatusCode = answer.Status;
        response.ContentType = answer.ContentType;
        response.Headers.ETag = answer.Tag;
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

    [LoggerMessage(40, LogLevel.Error, "Status endpoint: an answer failed")]
    private partial void LogFailed(Exception problem);
}
