namespace PinAgent.Model.Kubernetes;

/// <summary>A right that the agent uses in the cluster.</summary>
/// <param name="Group">The API group; empty for the core.</param>
/// <param name="Resource">The resource, in the plural.</param>
/// <param name="Verb">What is done with it.</param>
/// <param name="Name">The one object; null for all.</param>
internal sealed record AccessRight(string Group, string Resource, string Verb, string? Name = null);
