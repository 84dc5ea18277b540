namespace PinAgent.Model.Kubernetes;

/// <summary>What pods may request of a node: <c>status.allocatable</c>.</summary>
/// <param name="Cpu">CPUs; null if it doesn't say.</param>
/// <param name="Memory">Memory; null if it doesn't say.</param>
internal sealed record NodeAllocatable(Quantity? Cpu, Quantity? Memory);
