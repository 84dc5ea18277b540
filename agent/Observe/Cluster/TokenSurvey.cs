using System.Text.Json;
using PinAgent.Kubernetes.Client;

namespace PinAgent.Observe.Cluster;

/// <summary>What the cluster says of somebody who wants to read a path.</summary>
internal enum Admission
{
    /// <summary>They may.</summary>
    Allowed,

    /// <summary>It knows them, and they may not.</summary>
    Forbidden,

    /// <summary>It doesn't know them.</summary>
    Unknown,
}

/// <summary>
/// Asks the API server whose a token is and whether they may read a path, as it would decide on a path of its own.
/// </summary>
internal static class TokenSurvey
{
    /// <summary>Asks.</summary>
    /// <param name="path">What they want to read.</param>
    /// <exception cref="ApiException">The server refuses to tell.</exception>
    /// <exception cref="JsonException">The answer is no review.</exception>
    public static async Task<Admission> AskAsync(
        ApiConnection connection,
        string token,
        string path,
        CancellationToken stop
    )
    {
        var identity = await AllowedAsync(
            "create tokenreviews.authentication.k8s.io",
            ApiReview.AskAsync(
                connection,
                "/apis/authentication.k8s.io/v1/tokenreviews",
                new ApiTokenReview("authentication.k8s.io/v1", "TokenReview", new(token)),
                ApiJson.Default.ApiTokenReview,
                stop
            )
        );
        if (identity.Status is not { Authenticated: true, User: { } user })
        {
            return Admission.Unknown;
        }

        var access = await AllowedAsync(
            "create subjectaccessreviews.authorization.k8s.io",
            ApiReview.AskAsync(
                connection,
                "/apis/authorization.k8s.io/v1/subjectaccessreviews",
                new ApiSubjectReview(
                    "authorization.k8s.io/v1",
                    "SubjectAccessReview",
                    new(new(path, "get"), user.Username, user.Uid, user.Groups, user.Extra)
                ),
                ApiJson.Default.ApiSubjectReview,
                stop
            )
        );
        return access.Status is { Allowed: true } ? Admission.Allowed : Admission.Forbidden;
    }

    private static async Task<T> AllowedAsync<T>(string right, Task<T> review)
    {
        try
        {
            return await review;
        }
        catch (ApiException problem) when (problem.Problem.Kind == ApiProblemKind.Forbidden)
        {
            throw new ApiException(
                new(
                    ApiProblemKind.Forbidden,
                    $"the agent may not {right}: apply deploy/monitoring/rbac.yaml"
                ),
                problem
            );
        }
    }
}
