using System.Globalization;
using PinAgent.HostTests.Harness;

namespace PinAgent.HostTests.Hostile;

/// <summary>
/// A cgroup of the lane's own in the version 1 hierarchies of CPU time and memory. Ends what is left in it and removes it
/// when disposed.
/// </summary>
internal sealed class ControlGroup : IDisposable
{
    private const string Root = "/sys/fs/cgroup";

    // Some machines have cpu and cpuacct in one folder, by links.
    private static readonly string[] Controllers = ["cpu", "cpuacct", "memory"];

    private readonly string _path;

    /// <param name="name">The name, below <see cref="Lane"/>; empty for that itself.</param>
    public ControlGroup(string name)
    {
        _path = Path.Join(Lane, name);
        foreach (var controller in Controllers)
        {
            Directory.CreateDirectory(Folder(controller));
        }
    }

    /// <summary>The name of the cgroup that all others are in, and the cpusets too: whoever has started us may name it, to clean up.</summary>
    public static string Lane { get; } =
        Environment.GetEnvironmentVariable("PINAGENT_TEST_GROUP")
        ?? $"pinagent-hostile-{Environment.ProcessId}";

    /// <summary>Whether the machine has these hierarchies.</summary>
    public static bool IsAvailable =>
        Controllers.All(controller => File.Exists($"{Root}/{controller}/cgroup.procs"));

    /// <summary>What a shell does to go there.</summary>
    public string Join =>
        string.Join(
            " && ",
            Controllers.Select(controller => $"echo $$ > {Folder(controller)}/cgroup.procs")
        );

    /// <summary>The CPU time its processes have taken.</summary>
    public TimeSpan CpuTime =>
        TimeSpan.FromTicks(Read("cpuacct", "cpuacct.usage") / TimeSpan.NanosecondsPerTick);

    /// <summary>The most memory it has had: what its limit is held against.</summary>
    public long MostMemory => Read("memory", "memory.max_usage_in_bytes");

    /// <summary>Its processes.</summary>
    public IReadOnlyList<int> Pids =>
        [
            .. File.ReadAllLines($"{Folder("memory")}/cgroup.procs")
                .Select(line => int.Parse(line, CultureInfo.InvariantCulture)),
        ];

    public long CpuShares
    {
        set => Write("cpu", "cpu.shares", value);
    }

    public long MemoryLimit
    {
        set => Write("memory", "memory.limit_in_bytes", value);
    }

    /// <summary>The share of one CPU it may take at most.</summary>
    public double CpuLimit
    {
        set => Write("cpu", "cpu.cfs_quota_us", (long)(value * Read("cpu", "cpu.cfs_period_us")));
    }

    /// <summary>Takes in a process that runs already.</summary>
    public void Add(int pid)
    {
        foreach (var controller in Controllers)
        {
            Write(controller, "cgroup.procs", pid);
        }
    }

    public void Dispose()
    {
        // Whoever is short of CPU time takes long to die.
        Write("cpu", "cpu.cfs_quota_us", -1);
        while (Pids is { Count: > 0 } pids)
        {
            pids.ToList().ForEach(Processes.End);
        }

        foreach (var folder in Controllers.Select(Folder).Where(Directory.Exists))
        {
            Directory.Delete(folder);
        }
    }

    private string Folder(string controller) => $"{Root}/{controller}/{_path}";

    private long Read(string controller, string file) =>
        long.Parse(File.ReadAllText($"{Folder(controller)}/{file}"), CultureInfo.InvariantCulture);

    private void Write(string controller, string file, long value) =>
        File.WriteAllText($"{Folder(controller)}/{file}", $"{value}");
}
