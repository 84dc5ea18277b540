namespace PinAgent.Model.Kubernetes;

/// <summary>What KubeVirt gives the containers of a kind that stand beside a VM.</summary>
/// <param name="Type">The kind: <c>sidecar</c>, <c>container-disk</c> and others.</param>
/// <param name="Cpu">The limit of CPUs, which a dedicated VM's container requests too; null for KubeVirt's default.</param>
/// <param name="Memory">The same for memory, in bytes.</param>
/// <remarks>
/// Source: KubeVirt, <c>SupportContainerResources</c> in <c>staging/src/kubevirt.io/api/core/v1/types.go</c> and
/// <c>sidecarResources</c> in <c>pkg/virt-controller/services/renderresources.go</c>.
/// </remarks>
internal sealed record SupportContainer(string Type, Quantity? Cpu, Quantity? Memory);
