using System.Net;

namespace PinAgent.Report.Endpoint;

/// <summary>Where the status is to be had.</summary>
/// <param name="Tcp">A loopback address and a port, 0 for any free one; null for the socket alone.</param>
/// <param name="Socket">The Unix socket's path.</param>
/// <param name="VmMetrics">Whether each VM has metrics of its own.</param>
public sealed record EndpointSettings(IPEndPoint? Tcp, string Socket, bool VmMetrics = false);
