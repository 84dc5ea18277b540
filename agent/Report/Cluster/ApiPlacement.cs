using System.Text.Json;
using System.Text.Json.Serialization;
using PinAgent.Model.Kubernetes;

namespace PinAgent.Report.Cluster;

/// <summary>A merge patch that sets, or removes, a pod's annotation <c>pinagent.dev/placement</c>.</summary>
internal sealed record ApiPlacementPatch(ApiPlacementMetadata Metadata)
{
    /// <summary>The request.</summary>
    /// <param name="placement">The annotation; null for none.</param>
    public static ApiMessageOut Write(PodFacts pod, string? placement) =>
        new(
            HttpMethod.Patch,
            $"/api/v1/namespaces/{Uri.EscapeDataString(pod.Namespace)}/pods/{Uri.EscapeDataString(pod.Name)}"
                + "?fieldManager=pinagent",
            "application/merge-patch+json",
            JsonSerializer.SerializeToUtf8Bytes(
                // The uid keeps a pod of the same name, made meanwhile, from being annotated.
                new ApiPlacementPatch(
                    new ApiPlacementMetadata(pod.Uid, new ApiPlacementAnnotations(placement))
                ),
                EventJson.Default.ApiPlacementPatch
            )
        );
}

internal sealed record ApiPlacementMetadata(string Uid, ApiPlacementAnnotations Annotations);

internal sealed record ApiPlacementAnnotations(
    [property: JsonPropertyName("pinagent.dev/placement")] string? Placement
);
