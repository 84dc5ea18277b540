namespace PinAgent.Kubernetes.Watch;

/// <summary>What is watched.</summary>
/// <param name="Paths">The kind's path; where it has several versions, the preferred first.</param>
/// <param name="Selector">Which of the objects, as a part of the query.</param>
/// <param name="IsOptional">Whether it's nothing to speak of when the server doesn't have the kind.</param>
internal sealed record WatchTarget(
    string What,
    string[] Paths,
    string Selector,
    bool IsOptional = false
);
