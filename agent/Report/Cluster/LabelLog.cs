using Microsoft.Extensions.Logging;

namespace PinAgent.Report.Cluster;

/// <summary>What is told of the labels.</summary>
internal static partial class LabelLog
{
    [LoggerMessage(30, LogLevel.Information, "Labels: {Message}; set {Keys}")]
    public static partial void Applied(ILogger logger, string message, string keys);

    [LoggerMessage(31, LogLevel.Information, "Labels: {Message}; ours are given up")]
    public static partial void GivenUp(ILogger logger, string message);

    [LoggerMessage(32, LogLevel.Information, "Labels: {Message}")]
    public static partial void Stands(ILogger logger, string message);

    [LoggerMessage(33, LogLevel.Warning, "Labels: {Key} is wrong: {Problem}")]
    public static partial void Wrong(ILogger logger, string key, string problem);

    [LoggerMessage(34, LogLevel.Warning, "Labels: {Problem}")]
    public static partial void Failed(ILogger logger, string problem);
}
