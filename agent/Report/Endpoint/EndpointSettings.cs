using System.Net;

namespace PinAgent.Report.Endpoint;

/// <summary>Where the status is to be had.</summary>
/// <param name="Tcp">A loopback address and a port, 0 for any free one; null for the socket alone.</param>
/// <param name="VmMetrics">Whether each VM has metrics of its own.</param>
internal sealed record EndpointSettings(IPEndPoint? Tcp, string Socket, bool VmMetrics = false);

/// <summary>Where a Prometheus elsewhere reads the metrics.</summary>
/// <param name="Address">Any address, and a port, 0 for any free one.</param>
/// <param name="Certificate">The PEM file of the certificate and what signed it; null for a self-signed one.</param>
/// <param name="Key">The PEM file of its key; null for a self-signed one.</param>
internal sealed record ScrapeSettings(IPEndPoint Address, string? Certificate, string? Key);
