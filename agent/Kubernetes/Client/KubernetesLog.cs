using Microsoft.Extensions.Logging;

namespace PinAgent.Kubernetes.Client;

/// <summary>What the watches tell.</summary>
internal static partial class KubernetesLog
{
    [LoggerMessage(20, LogLevel.Information, "API: {What}: {Count} listed, watching")]
    public static partial void Listed(ILogger logger, string what, int count);

    [LoggerMessage(21, LogLevel.Warning, "API: {What}: {Problem}; trying again in {Wait}")]
    public static partial void Failed(ILogger logger, string what, string problem, TimeSpan wait);

    [LoggerMessage(22, LogLevel.Information, "API: {What}: watching again")]
    public static partial void Recovered(ILogger logger, string what);

    [LoggerMessage(23, LogLevel.Warning, "API: {What}: {Message}")]
    public static partial void PassedOver(ILogger logger, string what, string message);
}
