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

    /// <summary>How many runs, or pairs of runs, make a figure.</summary>
    public int Rounds => IsQuick ? 1 : 9;

    /// <summary>How long something is done, in seconds.</summary>
    public int Seconds(int full, int quick) => IsQuick ? quick : full;

    /// <summary>Makes a cgroup for VMs.</summary>
    /// <param name="cpus">Its CPUs.</param>
    public HostTests.Cpuset MakeCpuset(string cpus) => new($"{Group}/vms", cpus);

    /// <summary>Starts one of the programs in C, posing as a QEMU of one vCPU.</summary>
    public Child StartPosed(HostTests.Cpuset cpuset, string program, params string[] arguments) =>
        Child.StartIn(
            cpuset,
            Path.Combine(Programs, program),
            ["-name", $"guest={Guest},debug-threads=on", "-smp", "1", .. arguments]
        );
}

/// <summary>A row of the results.</summary>
/// <param name="What">What was measured.</param>
/// <param name="Goal">What it should be, from the project's design; null if there's none.</param>
/// <param name="Measured">What it is, with its unit.</param>
internal sealed record Figure(string What, string? Goal, string Measured);
