using System.Globalization;
using System.Text.Json.Nodes;
using PinAgent.HostTests.Harness;

namespace PinAgent.Benchmarks.Harness;

/// <summary>A real QEMU of one vCPU, paused, without disk or kernel.</summary>
internal sealed class Qemu : IDisposable
{
    private readonly Child _child;

    /// <summary>Starts it and waits until its machine is complete.</summary>
    /// <param name="cpuset">The cgroup it runs in.</param>
    /// <param name="ioThreads">How many I/O threads it has.</param>
    public Qemu(Cpuset cpuset, int ioThreads)
    {
        _child = Child.StartIn(
            cpuset,
            "qemu-system-x86_64",
            [
                .. (string[])["-name", $"guest={Bench.Guest},debug-threads=on"],
                .. (string[])["-accel", "tcg,thread=multi", "-smp", "1,maxcpus=2", "-m", "8"],
                .. (string[])["-S", "-nodefaults", "-display", "none", "-qmp", "stdio"],
                .. Enumerable
                    .Range(1, ioThreads)
                    .SelectMany(i => new[] { "-object", $"iothread,id=iothread{i}" }),
            ]
        );
        _child.ReadLine();
        Ask("""{"execute":"qmp_capabilities"}""");
    }

    public int Pid => _child.Pid;

    /// <summary>The thread of vCPU 0.</summary>
    public int Vcpu => ThreadsOf(Pid).First(tid => NameOf(Pid, tid).StartsWith("CPU 0/"));

    /// <summary>The ids of a process's threads.</summary>
    public static IEnumerable<int> ThreadsOf(int pid) =>
        Directory
            .EnumerateDirectories($"/proc/{pid}/task")
            .Select(folder => int.Parse(Path.GetFileName(folder), CultureInfo.InvariantCulture))
            .Order();

    /// <summary>A thread's name.</summary>
    public static string NameOf(int pid, int tid) =>
        File.ReadAllText($"/proc/{pid}/task/{tid}/comm").Trim();

    /// <summary>Adds a second vCPU.</summary>
    public void PlugVcpu() =>
        Ask(
            """{"execute":"device_add","arguments":{"driver":"qemu64-x86_64-cpu","id":"cpu1","socket-id":0,"core-id":1,"thread-id":0}}"""
        );

    public void Dispose() => _child.Dispose();

    // Events may come in between.
    private void Ask(string command)
    {
        _child.WriteLine(command);
        JsonNode answer;
        do
        {
            answer = JsonNode.Parse(_child.ReadLine())!;
        } while (answer["return"] is null && answer["error"] is null);

        if (answer["error"] is { } error)
        {
            throw new InvalidOperationException($"QEMU: {command}: {error}");
        }
    }
}
