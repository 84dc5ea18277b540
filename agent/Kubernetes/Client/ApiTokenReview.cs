namespace PinAgent.Kubernetes.Client;

/// <summary>
/// A <c>TokenReview</c>: whose token is this? Source: <c>k8s.io/api/authentication/v1/types.go</c>.
/// </summary>
internal sealed record ApiTokenReview(
    string ApiVersion,
    string Kind,
    ApiTokenSpec? Spec,
    ApiTokenAnswer? Status = null
);

internal sealed record ApiTokenSpec(string? Token);

internal sealed record ApiTokenAnswer(bool Authenticated = false, ApiUser? User = null);

internal sealed record ApiUser(
    string? Username,
    string? Uid,
    string[]? Groups,
    Dictionary<string, string[]>? Extra
);

/// <summary>
/// A <c>SubjectAccessReview</c> for a path: may they? Source: <c>k8s.io/api/authorization/v1/types.go</c>.
/// </summary>
internal sealed record ApiSubjectReview(
    string ApiVersion,
    string Kind,
    ApiSubjectSpec? Spec,
    ApiAccessAnswer? Status = null
);

internal sealed record ApiSubjectSpec(
    ApiNonResourceAttributes NonResourceAttributes,
    string? User,
    string? Uid,
    string[]? Groups,
    Dictionary<string, string[]>? Extra
);

internal sealed record ApiNonResourceAttributes(string Path, string Verb);
