using System.Diagnostics;
using PinAgent.HostTests.Harness;

namespace PinAgent.Benchmarks.Harness;

/// <summary>
/// A node of 128 CPUs for 50 dedicated VMs with two CPUs each, on a machine that has fewer: processes, threads and cgroups are
/// real, but the files that tell of CPUs and cpusets are ours. An agent may look at it (<c>--host-root</c>, <c>--mode audit</c>),
/// reads all that it would read and plans what it would plan; it can set nothing.
/// </summary>
internal sealed class LargeNode : IDisposable
{
    public const int Vms = 50;

    private const int Cpus = 128;

    private readonly string _cgroup;

    /// <summary>Makes the cgroups and the files.</summary>
    public LargeNode(Bench bench)
    {
        Cpusets = [.. Enumerable.Range(0, Vms).Select(i => bench.MakeCpuset($"vm{i}"))];
        var real = Cpusets[0].Folder[..^Cpusets[0].Path.Length];
        CpusetRoot = Root + real;
        _cgroup = real + bench.Group;

        // A link would mean a folder in the root.
        Directory.CreateDirectory($"{Root}/proc");
        Run("mount", "-t", "proc", "proc", $"{Root}/proc");
        Directory.CreateDirectory($"{Root}/sys/kernel/tracing");
        Run("mount", "-t", "tracefs", "tracefs", $"{Root}/sys/kernel/tracing");
        Write("/sys/devices/system/cpu/online", $"0-{Cpus - 1}");
        for (var i = 0; i < Cpus; i++)
        {
            var topology = $"/sys/devices/system/cpu/cpu{i}/topology";
            Write($"{topology}/physical_package_id", "0");
            Write($"{topology}/core_id", $"{i / 2}");
            Write($"{topology}/thread_siblings_list", $"{i / 2 * 2}-{(i / 2 * 2) + 1}");
            WriteCaches(i);
        }

        // QEMUs of somebody else's may be there.
        WriteCpuset(real, $"0-{Cpus - 1}");
        foreach (var other in Directory.EnumerateDirectories(real).Where(path => path != _cgroup))
        {
            WriteCpuset(other, $"0-{Cpus - 1}");
        }

        for (var i = 0; i < Vms; i++)
        {
            WriteCpuset($"{_cgroup}/podvm{i}/vm", $"{2 * i}-{(2 * i) + 1}");
        }
    }

    /// <summary>Where the agent has to look.</summary>
    public string Root { get; } = Directory.CreateTempSubdirectory("pinagent-node-").FullName;

    /// <summary>The root of its cgroups with cpusets, in <see cref="Root"/>.</summary>
    public string CpusetRoot { get; }

    /// <summary>The cgroups, one for each VM.</summary>
    public IReadOnlyList<Cpuset> Cpusets { get; }

    /// <summary>The arguments that let an agent look at it.</summary>
    public string[] AgentArguments => ["--host-root", Root, "--mode", "audit"];

    /// <summary>Fills it with VMs whose threads have their names.</summary>
    /// <param name="bench">What the benchmark was given.</param>
    /// <param name="threads">How many threads each VM has.</param>
    public Child StartVms(Bench bench, int threads)
    {
        // A program's first thread has no name of its own.
        var vms = bench.StartPosed(
            "vms",
            "--vms",
            $"{Vms}",
            "--threads",
            $"{threads - 1}",
            "--cgroups",
            $"{_cgroup}/podvm"
        );
        vms.ReadUntil("made");
        vms.WriteLine("name");
        vms.ReadUntil("named");
        return vms;
    }

    public void Dispose()
    {
        foreach (var cpuset in Cpusets)
        {
            cpuset.Dispose();
        }

        Run("umount", $"{Root}/sys/kernel/tracing");
        Run("umount", $"{Root}/proc");
        Directory.Delete(Root, recursive: true);
    }

    private static void Run(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{program} ended with {process.ExitCode}");
        }
    }

    // Two of the first level, one of the second, and a third that eight cores share.
    private void WriteCaches(int cpu)
    {
        for (var index = 0; index < 4; index++)
        {
            var first = index < 3 ? cpu / 2 * 2 : cpu / 16 * 16;
            var cache = $"/sys/devices/system/cpu/cpu{cpu}/cache/index{index}";
            Write($"{cache}/level", $"{Math.Max(index, 1)}");
            Write($"{cache}/shared_cpu_list", $"{first}-{first + (index < 3 ? 1 : 15)}");
        }
    }

    private void WriteCpuset(string folder, string cpus)
    {
        Write($"{folder}/cpuset.cpus", cpus);
        Write(
            $"{folder}/{(Cpuset.IsV1 ? "cpuset.effective_cpus" : "cpuset.cpus.effective")}",
            cpus
        );
    }

    private void Write(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Root + path)!);
        File.WriteAllText(Root + path, text + "\n");
    }
}
