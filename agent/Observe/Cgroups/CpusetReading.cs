using PinAgent.Model.Cpu;

namespace PinAgent.Observe.Cgroups;

/// <summary>A cpuset, or why it couldn't be read.</summary>
/// <param name="Problem">The path, what was expected and what was found.</param>
/// <param name="File">The file that says it, as the machine calls it; null if none does.</param>
internal readonly record struct CpusetReading(CpuSet? Cpus, string? Problem, string? File = null);

/// <summary>Where the CPUs of a cgroup can be given others: its own folder, or that of the one above whose cpuset it has.</summary>
/// <param name="Cgroup">The path from the hierarchy's root.</param>
/// <param name="Folder">The folder, below the host root.</param>
internal sealed record CpusetFolder(string Cgroup, string Folder);
