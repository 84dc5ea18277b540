using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Observe.Topology;
using PinAgent.Report.Status;
using PinAgent.Tests.Report.Page;

namespace PinAgent.Tests.Docs;

/// <summary>The node whose picture the README begins with: 128 CPUs, with VMs as a fleet's node has them.</summary>
internal static class FleetNode
{
    private const int FirstCpu = 8;

    // In the order in which they came; an isolated emulator takes a core.
    private static readonly (string Name, int Vcpus, bool IsIsolated)[] Guests =
    [
        ("prod/orders-db-0", 16, true),
        ("prod/orders-db-1", 8, true),
        ("prod/cache-0", 4, true),
        ("prod/cache-1", 4, true),
        ("prod/gateway-7f9c", 8, false),
        ("staging/orders-db-0", 4, false),
        ("staging/web-0", 2, true),
        ("prod/search-0", 12, true),
        ("prod/search-1", 12, true),
        ("telco/upf-0", 8, true),
        ("telco/upf-1", 8, true),
        ("telco/smf-0", 4, true),
        ("staging/web-1", 2, true),
    ];

    public static NodeStatus Status()
    {
        using var host = new FakeHost().Load(Fixtures.PathOf("machines/128amd64-8l3/machine.txt"));
        var vms = new List<VmStatus>();
        var next = FirstCpu;
        foreach (var (at, guest) in Guests.Index())
        {
            var vcpus = Enumerable.Range(next, guest.Vcpus).ToArray();
            next += guest.Vcpus;
            var emulator = guest.IsIsolated ? $"{next}-{next + 1}" : $"{vcpus[0]}-{vcpus[^1]}";
            next += guest.IsIsolated ? 2 : 0;
            vms.Add(
                PageVms.Pinned(
                    guest.Name,
                    6000 + (100 * at),
                    string.Join(' ', vcpus),
                    emulator,
                    guest.IsIsolated
                )
            );
        }

        return PageStatuses.Node("worker-17", SysfsTopology.Read(host.Files)) with
        {
            CpuManager = new CpuManagerStatus(
                CpuManagerState.Static,
                CpuSet.Parse($"0-{FirstCpu - 1},{next + 2}-127"),
                ["policy static"]
            ),
            Vms =
            [
                .. vms,
                PageVms.Refused(
                    "staging/batch-0",
                    9000,
                    4,
                    $"{next}-{next + 1}",
                    Reason.NotEnoughCpus,
                    $"4 vCPUs need 4 CPUs, the cpuset {next}-{next + 1} has 2"
                ),
            ],
        };
    }
}
