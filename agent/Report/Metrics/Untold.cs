namespace PinAgent.Report.Metrics;

/// <summary>What was to be told and wasn't, since the agent began.</summary>
/// <param name="Events">Events that the API server never took; null outside a cluster.</param>
/// <param name="LogLines">Lines of the log that nobody read.</param>
internal readonly record struct Untold(long? Events, long LogLines);
