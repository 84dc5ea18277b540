namespace PinAgent.Report.Status;

/// <summary>What the waits of the vCPUs are of. Only there for whoever asks for a status, not in the events.</summary>
/// <param name="At">When the last sample was taken.</param>
/// <param name="Seconds">The seconds up to then that <see cref="VcpuWait.Minute"/> is of: 60, or less right after the start.</param>
internal sealed record WaitsStatus(DateTimeOffset At, int Seconds);

/// <summary>Which share of the time a vCPU could have run and waited for its CPU, while something else ran there.</summary>
/// <param name="Share">Of the last sample, five seconds or more where there are many vCPUs; from 0 to 1.</param>
/// <param name="Minute">Of the last minute.</param>
internal sealed record VcpuWait(double Share, double Minute);
