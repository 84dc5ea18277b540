using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text.Json;

namespace PinAgent.Kubernetes.Client;

/// <summary>Why the API server didn't answer as hoped.</summary>
/// <param name="Kind">What to do about it.</param>
/// <param name="RetryAfter">How long the server asks to be left alone; null if it doesn't.</param>
internal sealed record ApiProblem(ApiProblemKind Kind, string Message, TimeSpan? RetryAfter = null)
{
    /// <summary>Whether the same request may be taken later.</summary>
    public bool IsPassing => Kind is ApiProblemKind.Trouble or ApiProblemKind.Unauthorized;

    /// <summary>Whether the server has understood and says no: the right isn't granted, or there's no such thing.</summary>
    public bool IsRefusal => Kind is ApiProblemKind.Forbidden or ApiProblemKind.NotFound;

    /// <summary>The problem behind an answer that isn't 200.</summary>
    public static ApiProblem Of(HttpStatusCode code, ApiStatus status, TimeSpan? retryAfter = null)
    {
        var message = $"{(int)code} {status.Reason ?? code.ToString()}";
        if (!string.IsNullOrEmpty(status.Message))
        {
            message += $": {status.Message}";
        }

        return new ApiProblem(
            code switch
            {
                HttpStatusCode.Unauthorized => ApiProblemKind.Unauthorized,
                HttpStatusCode.Forbidden => ApiProblemKind.Forbidden,
                HttpStatusCode.NotFound => ApiProblemKind.NotFound,
                HttpStatusCode.Conflict => ApiProblemKind.Conflict,
                HttpStatusCode.Gone => ApiProblemKind.Expired,
                HttpStatusCode.BadRequest or HttpStatusCode.UnprocessableEntity =>
                    ApiProblemKind.Invalid,
                // The server's data is older than what it told before: restored from a backup.
                HttpStatusCode.GatewayTimeout when IsTooNew(status) => ApiProblemKind.Expired,
                _ => ApiProblemKind.Trouble,
            },
            message,
            retryAfter
        );
    }

    private static bool IsTooNew(ApiStatus status) =>
        status.Message?.Contains("Too large resource version", StringComparison.Ordinal) ?? false;

    /// <summary>The problem behind an exception of a request, or of reading its answer; null if it's a bug of ours.</summary>
    public static ApiProblem? Of(Exception exception) =>
        exception switch
        {
            ApiException known => known.Problem,
            HttpRequestException { InnerException: AuthenticationException inner } => new(
                ApiProblemKind.Unauthorized,
                $"no TLS connection: {(inner.InnerException ?? inner).Message}"
            ),
            HttpRequestException or IOException or SocketException => new(
                ApiProblemKind.Trouble,
                exception.GetBaseException().Message
            ),
            JsonException => new(
                ApiProblemKind.Trouble,
                $"an answer that isn't the API's: {exception.Message}"
            ),
            _ => null,
        };
}

/// <summary>What to do about a problem.</summary>
internal enum ApiProblemKind
{
    /// <summary>Try again later.</summary>
    Trouble,

    /// <summary>Read the credentials again.</summary>
    Unauthorized,

    /// <summary>Wait until somebody grants the right.</summary>
    Forbidden,

    /// <summary>The kind isn't served, or the object isn't there.</summary>
    NotFound,

    /// <summary>The version to continue from is too old: list again.</summary>
    Expired,

    /// <summary>Somebody else owns what was to be written, or it's there already.</summary>
    Conflict,

    /// <summary>The request isn't what the server expects: a bug, or another version of the API.</summary>
    Invalid,
}

/// <summary>Carries a problem out of a request. Caught where requests are made.</summary>
internal sealed class ApiException(ApiProblem problem, Exception? inner = null)
    : Exception(problem.Message, inner)
{
    public ApiProblem Problem { get; } = problem;
}
