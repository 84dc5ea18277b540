namespace PinAgent.Model.Node;

/// <summary>A process whose threads were seen running on a CPU for which a vCPU waited.</summary>
/// <param name="Comm">Its name, printable.</param>
/// <param name="Cpu">The CPU on which they ran last.</param>
/// <param name="Share">The share of the time between two looks that they ran, all of them together.</param>
internal sealed record CpuTaker(int Pid, string Comm, int Cpu, double Share);
