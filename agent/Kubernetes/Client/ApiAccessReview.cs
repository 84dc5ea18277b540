namespace PinAgent.Kubernetes.Client;

/// <summary>
/// A <c>SelfSubjectAccessReview</c>: may I? Source: <c>k8s.io/api/authorization/v1/types.go</c>.
/// </summary>
internal sealed record ApiAccessReview(
    string ApiVersion,
    string Kind,
    ApiAccessSpec? Spec,
    ApiAccessAnswer? Status = null
);

internal sealed record ApiAccessSpec(ApiResourceAttributes ResourceAttributes);

internal sealed record ApiResourceAttributes(
    string Namespace,
    string Verb,
    string Group,
    string Resource,
    string Name
);

internal sealed record ApiAccessAnswer(bool Allowed);
