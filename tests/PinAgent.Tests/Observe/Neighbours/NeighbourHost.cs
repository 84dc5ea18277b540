using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Observe.Neighbours;
using PinAgent.Tests.Plan;

namespace PinAgent.Tests.Observe.Neighbours;

/// <summary>
/// A machine with a dedicated VM, pid 1000, whose vCPUs have CPUs 2 and 3, a cgroup of its own and a CPU limit; a network
/// card with an interrupt for each of CPUs 1 to 3; and PID 1, which may run on CPUs 0 and 1.
/// </summary>
internal sealed class NeighbourHost : IDisposable
{
    public const int Pid = 1000;
    private const string Cgroup = "/machine.slice/1000.scope";

    public NeighbourHost()
    {
        Host.MountCgroup2();
        new FakeProcess(Host, 1, "systemd").Thread(1, "systemd", "0-1");
        new FakeProcess(Host, Pid).Cgroup($"0::{Cgroup}\n").Thread(Pid + 10, "CPU 0/KVM", "2");
        Host.Write($"/proc/{Pid}/cgroup", $"0::{Cgroup}\n");
        Throttle(5).Fire(10, 10, 10);
        foreach (var number in new[] { 24, 25, 26 })
        {
            Host.Write($"/proc/irq/{number}/effective_affinity_list", $"{number - 23}\n");
        }

        Scan = new NeighbourScan(Host.Root, isLive: false);
    }

    public FakeHost Host { get; } = new();

    public NeighbourScan Scan { get; }

    public static ScannedVm Target { get; } =
        new(Vms.Vm("vm1", "2-3", new GuestTopology(1, 2, 1)), CpuSet.Parse("2-3"));

    /// <summary>How often the VM has been held back by now.</summary>
    public NeighbourHost Throttle(int periods)
    {
        Host.Write($"/sys/fs/cgroup{Cgroup}/cpu.stat", $"nr_throttled {periods}\n");
        return this;
    }

    /// <summary>How often the card's interrupts have fired by now, on CPUs 1, 2 and 3.</summary>
    public NeighbourHost Fire(int first, int second, int third)
    {
        Host.Write(
            "/proc/interrupts",
            $"""
                       CPU0       CPU1       CPU2       CPU3
              24:         0     {first}          0          0  PCI-MSIX-0000:00:03.0   1-edge      nic-1
              25:         0          0   {second}          0  PCI-MSIX-0000:00:03.0   2-edge      nic-2
              26:         0          0          0    {third}  PCI-MSIX-0000:00:03.0   3-edge      nic-3
              27:         0          0          0          0  PCI-MSIX-0000:00:03.0   4-edge      nic-4
             LOC:         9          9        {first}        9   Local timer interrupts

            """
        );
        return this;
    }

    /// <summary>A process with so many threads, all with one mask.</summary>
    public FakeProcess Process(int pid, string name, string cpus, int threads = 1)
    {
        var process = new FakeProcess(Host, pid, name);
        for (var tid = pid; tid < pid + threads; tid++)
        {
            process.Thread(tid, name, cpus);
        }

        return process;
    }

    public NodeNeighbours Look() => Scan.Look([Target]);

    public void Dispose() => Host.Dispose();
}
