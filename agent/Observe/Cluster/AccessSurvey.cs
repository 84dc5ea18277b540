using System.Collections.Immutable;
using System.Text.Json;
using PinAgent.Kubernetes.Client;
using PinAgent.Model.Kubernetes;

namespace PinAgent.Observe.Cluster;

/// <summary>Asks the API server which rights these credentials have. Everybody who is known to it may ask.</summary>
internal static class AccessSurvey
{
    private const string Path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

    /// <summary>Asks.</summary>
    /// <param name="kubeVirtNamespace">Where objects with a name are; the others are asked for in all namespaces.</param>
    /// <exception cref="ApiException">The server refuses to tell.</exception>
    public static async Task<ImmutableDictionary<AccessRight, bool>> AskAsync(
        ApiConnection connection,
        IEnumerable<AccessRight> rights,
        string kubeVirtNamespace,
        CancellationToken stop
    )
    {
        var answers = await Task.WhenAll(
            rights.Select(async right =>
                KeyValuePair.Create(
                    right,
                    await AskAsync(connection, right, kubeVirtNamespace, stop)
                )
            )
        );
        return answers.ToImmutableDictionary();
    }

    private static async Task<bool> AskAsync(
        ApiConnection connection,
        AccessRight right,
        string kubeVirtNamespace,
        CancellationToken stop
    )
    {
        var review = new ApiAccessReview(
            "authorization.k8s.io/v1",
            "SelfSubjectAccessReview",
            new(
                new(
                    right.Name is null ? "" : kubeVirtNamespace,
                    right.Verb,
                    right.Group,
                    right.Resource,
                    right.Name ?? ""
                )
            )
        );
        var answer = await ApiReview.AskAsync(
            connection,
            Path,
            review,
            ApiJson.Default.ApiAccessReview,
            stop
        );
        return answer.Status?.Allowed
            ?? throw new JsonException("expected an access review with a status, found none");
    }
}
