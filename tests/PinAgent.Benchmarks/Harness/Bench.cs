using PinAgent.HostTests.Harness;

namespace PinAgent.Benchmarks.Harness;

/// <summary>What every benchmark is given.</summary>
/// <param name="Agent">The agent, compiled as it ships.</param>
/// <param name="Programs">The folder of the programs in C, compiled.</param>
/// <param name="Group">The cgroup below which everything runs, from the root of the hierarchy with the cpusets.</param>
/// <param name="IsQuick">Whether it's enough that there is a figure, be it a bad one.</param>
internal sealed record Bench(string Agent, string Programs, string Group, bool IsQuick)
{
    /// <summary>The guests' name: the agents here are told to pin those and no others.</summary>
    public const string Guest = "pinagent-bench";

    /// <summary>The kernel's tracefs: where the machine has it, or where benchmarks.sh has mounted it.</summary>
    public string TraceFolder =>
        Directory.Exists("/sys/kernel/tracing/events")
            ? "/sys/kernel/tracing"
            : Path.Combine(Programs, "tracing");

    /// <summary>How many runs, or pairs of runs, make a figure.</summary>
    public int Rounds => IsQuick ? 1 : 9;

    /// <summary>How long something is done, in seconds.</summary>
    public int Seconds(int full, int quick) => IsQuick ? quick : full;

    /// <summary>
    /// Makes a cgroup with CPUs 0 and 1, a container's of a pod: there the cpuset says which CPUs are the VM's, though they be
    /// all that the machine has.
    /// </summary>
    /// <param name="name">Its name.</param>
    public Cpuset MakeCpuset(string name = "vm") => new($"{Group}/pod{name}/vm", "0-1");

    /// <summary>Starts one of the programs in C, posing as a QEMU of one vCPU.</summary>
    public Child StartPosed(string program, params string[] arguments) =>
        Child.Start(Path.Combine(Programs, program), PosedAs(arguments));

    /// <summary>The same within a cpuset.</summary>
    public Child StartPosedIn(Cpuset cpuset, string program, params string[] arguments) =>
        Child.StartIn(cpuset, Path.Combine(Programs, program), PosedAs(arguments));

    private static string[] PosedAs(string[] arguments) =>
        ["-name", $"guest={Guest},debug-threads=on", "-smp", "1", .. arguments];
}

/// <summary>A row of the results.</summary>
/// <param name="What">What was measured.</param>
/// <param name="Goal">What it should be, from the project's design; null if there's none.</param>
/// <param name="Measured">What it is, with its unit.</param>
internal sealed record Figure(string What, string? Goal, string Measured);
