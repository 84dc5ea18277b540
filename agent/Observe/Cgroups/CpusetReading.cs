using PinAgent.Model.Cpu;

namespace PinAgent.Observe.Cgroups;

/// <summary>A cpuset, or why it couldn't be read.</summary>
/// <param name="Problem">The path, what was expected and what was found.</param>
internal readonly record struct CpusetReading(CpuSet? Cpus, string? Problem);
