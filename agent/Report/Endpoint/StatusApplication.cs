using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace PinAgent.Report.Endpoint;

/// <summary>Answers on the status endpoint: checks what holds for every path, and asks the path's route.</summary>
/// <param name="pace">How fast clients over TCP are answered; those of the Unix socket are root's own.</param>
/// <param name="overTcp">The stream of changes for clients over TCP, and what they receive.</param>
/// <param name="overSocket">The same for clients of the Unix socket, whose places nobody else can take.</param>
internal sealed class StatusApplication(
    StatusRoutes routes,
    ClientPace pace,
    EventStream overTcp,
    EventStream overSocket,
    ILogger<StatusServer> logger,
    CancellationToken stopping
) : HttpApplication(logger, stopping)
{
    /// <inheritdoc/>
    protected override async Task AnswerAsync(HttpContext context, CancellationToken stop)
    {
        // No RemoteIpAddress: a Unix socket's client.
        var isTcp = context.Connection.RemoteIpAddress is not null;
        var (request, response) = (context.Request, context.Response);
        var events = isTcp ? overTcp : overSocket;
        if (isTcp)
        {
            // Before there's an answer, which would be held while it waits.
            await pace.WaitAsync(1, stop);
        }

        var answer = Refuse(request, isTcp);
        if (answer is null && request.Path.Value == StatusRoutes.Events)
        {
            if (await events.TrySendAsync(response, isTcp ? pace : null, stop))
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
        if (isTcp)
        {
            // All of it, and before it's sent: a client that doesn't read it is cut off long before its end, and has cost as much.
            pace.Rendered(answer.Body.Length);
        }

        await SendAsync(response, answer, events.Bodies, stop);
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

        return RefuseMethod(request);
    }

    private static bool IsLoopback(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));
}
