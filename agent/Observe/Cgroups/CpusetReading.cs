using PinAgent.Model.Cpu;

namespace PinAgent.Observe.Cgroups;

/// <summary>A cpuset, or why it couldn't be read.</summary>
/// <param name="Problem">The path, what was expected and what was found.</param>
/// <param name="File">The file that says it, as the machine calls it; null if none does.</param>
internal readonly record struct CpusetReading(CpuSet? Cpus, string? Problem, string? File = null);
