using System.Collections.Immutable;
using System.Text.Json;
using PinAgent.Kubernetes.Client;
using PinAgent.Model.Kubernetes;
using PinAgent.Observe.Cluster;
using PinAgent.Plan.Labels;

namespace PinAgent.Report.Cluster;

/// <summary>
/// This node's labels at the API server. Writes by server-side apply, without force: what is applied is all that is
/// ours, and what somebody else owns with another value is refused
/// (<c>kubernetes.io/docs/reference/using-api/server-side-apply</c>).
/// </summary>
internal sealed class NodeLabelWriter(ApiConnection connection, string node)
{
    // A node lists its images and volumes.
    private const int LargestNode = 16 * 1024 * 1024;

    private readonly string _path = $"/api/v1/nodes/{Uri.EscapeDataString(node)}";

    /// <summary>Whether what the server refuses is likely to stay refused.</summary>
    public bool IsSettled => connection.IsSettled;

    /// <summary>Makes these labels, and no others, ours; returns the node as it is then.</summary>
    /// <exception cref="ApiException">It's refused.</exception>
    public async Task<NodeLabels> ApplyAsync(
        string uid,
        IEnumerable<string> keys,
        CancellationToken stop
    )
    {
        var labels = keys.ToImmutableSortedDictionary(key => key, _ => LabelDecision.True);
        using var response = await connection.ApplyAsync(
            $"{_path}?fieldManager={LabelDecision.Manager}",
            JsonSerializer.SerializeToUtf8Bytes(
                new ApiNodeLabels("v1", "Node", new(node, uid, labels)),
                ClusterJson.Default.ApiNodeLabels
            ),
            stop
        );
        var body = await connection.ReadAllAsync(response, LargestNode, stop);
        return NodeReader.Read(body.Span);
    }
}
