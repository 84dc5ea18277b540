using PinAgent.Apply;
using PinAgent.Cli.Terminal;
using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Report.Status;
using PinAgent.Tests.Report.Page;
using Spectre.Console.Rendering;
using static PinAgent.Tests.Report.Page.PageVms;

namespace PinAgent.Tests.Cli.Look;

/// <summary>Nodes as the terminal's pictures get them, and the pictures as lines.</summary>
internal static class Nodes
{
    /// <summary>128 CPUs and 80 VMs, of which one drifted, one is disturbed and one isn't dedicated.</summary>
    public static NodeStatus Crowded()
    {
        var status = PageStatuses.Node("crowded", Machine(1, 8, 16, 1));
        var vms = Enumerable
            .Range(0, 79)
            .Select(i =>
                Pinned(
                    $"team-{i % 7}/vm-{i:00}-of-some-length",
                    10_000 + (20 * i),
                    $"{i}",
                    $"{i}",
                    isIsolated: false
                )
            )
            .Append(NotDedicated("host/builder", 90_000, 4, "100-127"))
            .ToArray();
        vms[40] = vms[40]
            .With(thread =>
                thread.Role == ThreadRole.Vcpu
                    ? thread with
                    {
                        Actual = CpuSet.Parse("0-127"),
                        Outcome = Outcome.Denied,
                    }
                    : thread
            ) with
        {
            State = VmState.PartlyPinned,
            Reason = Reason.PermissionMissing,
            Message = "the kernel refused to move CPU 0/KVM (10810): the agent needs CAP_SYS_NICE",
        };
        return status with
        {
            Vms = [.. vms],
            Violations =
            [
                new Violation(
                    ViolationKind.Stranger,
                    CpuSet.Parse("7"),
                    "62 processes may run on CPU 7 of team-0/vm-07-of-some-length: backup (811), cron (312), sshd (400)"
                ),
            ],
        };
    }

    /// <summary>A machine of sockets of L3 groups of cores, numbered as Linux does: first threads first.</summary>
    public static NodeTopology Machine(int sockets, int l3s, int cores, int threads)
    {
        var perSocket = l3s * cores;
        var all = sockets * perSocket;
        return new NodeTopology([
            .. Enumerable
                .Range(0, all * threads)
                .Select(id =>
                {
                    var core = id % all;
                    return new LogicalCpu(
                        id,
                        core / perSocket,
                        core / perSocket,
                        core % perSocket,
                        core / cores
                    );
                }),
        ]);
    }

    /// <summary>256 CPUs in two sockets, and VMs of whole cores on half of them.</summary>
    public static NodeStatus Huge() =>
        PageStatuses.Node("huge", Machine(2, 8, 8, 2)) with
        {
            CpuManager = new(CpuManagerState.Static, CpuSet.Parse("0-7,64-71,128-135,192-199"), []),
            Vms =
            [
                .. Enumerable
                    .Range(0, 30)
                    .Select(i =>
                        Pinned(
                            $"prod/database-{i}",
                            5000 + (100 * i),
                            $"{8 + (i * 2)} {136 + (i * 2)} {9 + (i * 2)}",
                            $"{137 + (i * 2)}"
                        )
                    )
                    .Where((_, i) => i is not (28 or 29)),
            ],
        };

    /// <summary>A picture's lines.</summary>
    public static List<string> Draw(IRenderable content, int width)
    {
        using var output = new StringWriter();
        Output.Write(content, output, isPipe: true, width);
        return [.. output.ToString().TrimEnd().Split('\n')];
    }
}
