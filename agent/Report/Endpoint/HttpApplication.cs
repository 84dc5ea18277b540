using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace PinAgent.Report.Endpoint;

/// <summary>Answers HTTP requests: what is the same wherever the agent listens.</summary>
internal abstract partial class HttpApplication(ILogger logger, CancellationToken stopping)
    : IHttpApplication<HttpContext>
{
    /// <summary>
    /// How much of a body is given to the server at a time. It copies what it's given, whatever its limits are, and lets
    /// the sender wait only afterwards.
    /// </summary>
    public const int Piece = 16 * 1024;

    // The page's style and script are files of ours; a browser takes nothing from anywhere else.
    private const string ContentSecurityPolicy =
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; "
        + "form-action 'none'; frame-ancestors 'none'";

    // For answers of one piece.
    private static readonly BodiesInFlight NoBodies = new(0);

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
                NoBodies,
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

    /// <summary>Sends an answer, or that others have too much on its way to them.</summary>
    /// <param name="bodies">What the listener's clients receive.</param>
    internal static async Task SendAsync(
        HttpResponse response,
        Answer answer,
        BodiesInFlight bodies,
        CancellationToken stop
    )
    {
        // What fits into one piece is bounded by the number of connections: a probe is always answered.
        var isLarge =
            answer.Body.Length > Piece && !HttpMethods.IsHead(response.HttpContext.Request.Method);
        using var sending = isLarge ? bodies.TryBegin(answer.Body) : null;
        if (isLarge && sending is null)
        {
            response.Headers.RetryAfter = "1";
            await SendAsync(response, Answer.Busy, bodies, stop);
            return;
        }

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
            await WriteAsync(response.Body, answer.Body, stop);
        }
    }

    /// <summary>Writes a body piece by piece, so that the server holds no copy of the whole for a client who doesn't read.</summary>
    internal static async Task WriteAsync(
        Stream stream,
        ReadOnlyMemory<byte> body,
        CancellationToken stop
    )
    {
        for (var rest = body; rest.Length > 0; rest = rest[Math.Min(Piece, rest.Length)..])
        {
            await stream.WriteAsync(rest[..Math.Min(Piece, rest.Length)], stop);
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
