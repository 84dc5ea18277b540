using PinAgent.Apply;
using PinAgent.Model.Cpu;
using PinAgent.Model.Kubernetes;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Observe.Topology;
using PinAgent.Report.Cluster;
using PinAgent.Report.Status;
using static PinAgent.Tests.Report.Page.PageVms;

namespace PinAgent.Tests.Report.Page;

/// <summary>Nodes of several sizes, each with something an administrator must notice.</summary>
internal static class PageStatuses
{
    /// <summary>Eight CPUs outside a cluster: a VM is pinned, another has too few CPUs, a third didn't ask.</summary>
    public static NodeStatus Small() =>
        Node("small", Machine("8amd64-1s4c2t")) with
        {
            Vms =
            [
                Pinned("default/vm1", 4000, "2 6", "3") with
                {
                    Source = FactSource.Inferred,
                },
                Refused(
                    "default/vm2",
                    4100,
                    2,
                    "7",
                    Reason.NotEnoughCpus,
                    "2 vCPUs need 2 CPUs, the cpuset 7 has 1"
                ),
                NotDedicated("host/builder", 4200, 4, "0-1,4-5"),
            ],
        };

    /// <summary>Sixteen CPUs, three of them offline, in audit mode: nothing is where it should be, two VMs overlap.</summary>
    public static NodeStatus Audit() =>
        Node("audited", Machine("16amd64-2s2n4c2t-offline")) with
        {
            Mode = AgentMode.Audit,
            ModeMessage = "/host/proc isn't a live procfs, so no mask is set.",
            Notices = ["--vm default_vm9: no guest has this name"],
            Vms =
            [
                Unpinned(Pinned("default/vm1", 4000, "4 5", "6"), "4-7"),
                Pinned("default/vm2", 4100, "10 11", "13"),
                Pinned("default/vm3", 4200, "13 14", "14-15", isIsolated: false),
            ],
        };

    /// <summary>Sixty-four CPUs on a cluster's node, with everything that can be wrong.</summary>
    public static NodeStatus Medium()
    {
        var denied = Pinned("prod/database-0", 5100, "8 40 9 41 10 42 11 43", "12,44") with
        {
            State = VmState.PartlyPinned,
            Reason = Reason.PermissionMissing,
            Message = "the kernel refused to move CPU 7/KVM (5117): the agent needs CAP_SYS_NICE",
        };
        var confined = Pinned("prod/web-7f9c", 5200, "16 48 17 49", "18") with
        {
            Advisories =
            [
                "worker (5201): confined by a cgroup of its own to other CPUs; PinAgent changes no cgroup",
            ],
        };
        return Node("worker-03.example.org", Machine("64amd64-2s4n8c2t-gaps")) with
        {
            Events = new EventSource(EventSourceState.Listening, null),
            CpuManager = new CpuManagerStatus(
                CpuManagerState.Static,
                CpuSet.Parse("0-3,32-35,64-71,96-103"),
                [
                    "/var/lib/kubelet/cpu_manager_state: policy static, 5 containers with exclusive CPUs",
                    "kubelet's command line: --cpu-manager-policy=static",
                ]
            ),
            Cluster = new ClusterStatus(
                SyncState.Stale,
                new DateTimeOffset(2026, 3, 14, 9, 26, 53, TimeSpan.Zero)
            ),
            Labels = new Dictionary<string, LabelStatus>
            {
                ["cpumanager"] = new("true", "true", "pinagent", "as it should be"),
                ["kubevirt.io/cpumanager"] = new(
                    "true",
                    "false",
                    "virt-handler",
                    "virt-handler set it"
                ),
            },
            Vms =
            [
                WithIoThreads(Pinned("prod/cache-1", 5000, "4 36 5 37", "6,38"), "7 39"),
                denied.With(thread =>
                    thread.Tid == 5117
                        ? thread with
                        {
                            Actual = denied.Cpuset,
                            Outcome = Outcome.Denied,
                        }
                        : thread
                ),
                confined.With(thread =>
                    thread.Tid == 5201
                        ? thread with
                        {
                            Actual = CpuSet.Parse("0"),
                            Outcome = Outcome.Confined,
                        }
                        : thread
                ),
                Refused(
                    "staging/numa-test",
                    5300,
                    4,
                    "23,52-54",
                    Reason.CrossesNumaNodes,
                    "vCPUs 0 and 1 are one guest core, and no NUMA node has two CPUs left for it"
                ),
                NotDedicated("staging/ci-runner", 5400, 8, "0-3,32-35,64-71,96-103"),
            ],
            Violations =
            [
                new Violation(
                    ViolationKind.Sibling,
                    CpuSet.Parse("16"),
                    "vCPUs of prod/web-7f9c on CPUs 16 share their cores with CPUs of staging/numa-test: give whole cores to a VM "
                        + "(the kubelet's full-pcpus-only)"
                ),
                new Violation(
                    ViolationKind.Stranger,
                    CpuSet.Parse("16"),
                    "other processes may run on CPUs 16 of prod/web-7f9c's vCPUs: backup (pid 812, 3 threads); give them other "
                        + "CPUs (taskset, AllowedCPUs=, their cgroup's cpuset.cpus)"
                ),
            ],
            Drift = new DriftStatus(12),
        };
    }

    /// <summary>Two hundred and fifty-six CPUs, eleven VMs, all well.</summary>
    public static NodeStatus Large()
    {
        var topology = new NodeTopology(
            Enumerable
                .Range(0, 256)
                .Select(id =>
                {
                    var core = id % 128;
                    return new LogicalCpu(id, core / 64, core / 32, core % 64, core / 8);
                })
        );
        return Node("epyc-17", topology) with
        {
            CpuManager = new CpuManagerStatus(
                CpuManagerState.Static,
                CpuSet.Parse("0-7,128-135"),
                ["policy static"]
            ),
            Cluster = new ClusterStatus(SyncState.Synced, null),
            Vms =
            [
                .. Enumerable
                    .Range(0, 11)
                    .Select(n => Core(n, first: 8 + (9 * n) + (n > 5 ? 2 : 0))),
                NotDedicated("tenant-a/jump-host", 9000, 2, "0-7,128-135"),
            ],
            Drift = new DriftStatus(3),
        };

        // Eight whole cores for the vCPUs, a ninth for the emulator; the ninth's other thread stays unused.
        static VmStatus Core(int n, int first)
        {
            var vcpus = Enumerable.Range(first, 8).SelectMany(cpu => new[] { cpu, cpu + 128 });
            var vm = Pinned(
                $"tenant-{(char)('a' + (n % 4))}/vm-{n + 1:00}",
                6000 + (100 * n),
                string.Join(' ', vcpus),
                $"{first + 8}"
            );
            return vm with
            {
                Guest = new GuestStatus(1, 8, 2, true),
                Cpuset = CpuSet.Parse(CpuSet.Parse($"{vm.Cpuset},{first + 8 + 128}").ToString()),
            };
        }
    }

    /// <summary>Eight CPUs whose vCPUs wait, each at another step of the map's colours.</summary>
    public static NodeStatus Disturbed() =>
        (
            Node("disturbed", Machine("8amd64-1s4c2t")) with
            {
                Vms =
                [
                    Pinned("default/vm1", 4000, "2 6", "3"),
                    Pinned("default/vm2", 4100, "1 5 7", "3"),
                    NotDedicated("host/builder", 4200, 4, "0-7"),
                ],
            }
        ).Waiting(
            (vm, thread) =>
                vm.Pid == 4000 ? 0.0004 : new[] { 0.0021, 0.124, 0.017, 0 }[thread.Index!.Value]
        );

    /// <summary>The same, where it was seen who ran on that CPU, and when it began.</summary>
    public static NodeStatus Slow()
    {
        var status = Disturbed();
        var at = status.Waits!.At;
        return status with
        {
            Waits = status.Waits with
            {
                Ran =
                [
                    new RanStatus(5, 4200, "host/builder", 0.97),
                    new RanStatus(2, 77, "backup", 0.4),
                ],
            },
            Vms =
            [
                status.Vms[0] with
                {
                    Slow = new SlowStatus(
                        at.AddMinutes(-40),
                        at.AddMinutes(-38),
                        "vCPU 0 had waited 63 s of 120 s for CPU 2, up to 81 % of five seconds; there ran backup (pid 77, 80 % of CPU 2)"
                    ),
                },
                status.Vms[1] with
                {
                    Slow = new SlowStatus(
                        at.AddMinutes(-15),
                        null,
                        "vCPU 1 has waited 5.0 s of the last 10 s for CPU 5; there ran host/builder (pid 4200, 97 % of CPU 5)"
                    ),
                },
                status.Vms[2],
            ],
        };
    }

    /// <summary>1,536 CPUs in four sockets, and eighty VMs that wait a little, one of them a lot.</summary>
    public static NodeStatus Giant()
    {
        const int Cores = 768;
        var topology = new NodeTopology(
            Enumerable
                .Range(0, 2 * Cores)
                .Select(id =>
                {
                    var core = id % Cores;
                    return new LogicalCpu(id, core / 192, core / 96, core % 192, core / 12);
                })
        );
        return (
            Node("giant", topology) with
            {
                CpuManager = new CpuManagerStatus(
                    CpuManagerState.Static,
                    CpuSet.Parse("0-15,768-783"),
                    ["policy static"]
                ),
                Vms =
                [
                    .. Enumerable
                        .Range(0, 80)
                        .Select(n =>
                        {
                            var first = 16 + (9 * n);
                            var vcpus = Enumerable
                                .Range(first, 8)
                                .SelectMany(cpu => new[] { cpu, cpu + Cores });
                            return Pinned(
                                $"tenant-{(char)('a' + (n % 7))}/vm-{n + 1:00}",
                                6000 + (100 * n),
                                string.Join(' ', vcpus),
                                $"{first + 8},{first + 8 + Cores}"
                            );
                        }),
                ],
            }
        ).Waiting(
            (vm, thread) => vm.Pid == 9000 && thread.Index == 3 ? 0.23 : thread.Tid % 11 / 2000.0
        );
    }

    /// <summary>A node in good order, without VMs.</summary>
    public static NodeStatus Node(string name, NodeTopology topology) =>
        new()
        {
            Node = name,
            Mode = AgentMode.Enforce,
            Topology = TopologyStatus.Of(topology),
            CpuManager = new CpuManagerStatus(
                CpuManagerState.None,
                null,
                ["/var/lib/kubelet/cpu_manager_state: no such file"]
            ),
            Vms = [],
            Drift = new DriftStatus(0),
        };

    /// <summary>The VM as an audit finds it: everything is planned, and floats over the cpuset.</summary>
    public static VmStatus Unpinned(VmStatus vm, string cpuset) =>
        vm.With(thread =>
            thread with
            {
                Actual = CpuSet.Parse(cpuset),
                Outcome = Outcome.Planned,
            }
        ) with
        {
            Cpuset = CpuSet.Parse(cpuset),
            State = VmState.Waiting,
            Reason = Reason.AuditMode,
            Message =
                $"audit mode: {vm.Threads.Length} of {vm.Threads.Length} threads would be moved",
        };

    private static VmStatus WithIoThreads(VmStatus vm, string cpus) =>
        vm with
        {
            Cpuset = CpuSet.Parse(CpuSet.Parse($"{vm.Cpuset},{cpus.Replace(' ', ',')}").ToString()),
            Threads =
            [
                .. vm.Threads,
                .. cpus.Split(' ')
                    .Index()
                    .Select(at =>
                        Thread(vm.Pid + 50 + at.Index, ThreadRole.IoThread, at.Index + 1, at.Item)
                    ),
            ],
        };

    private static NodeTopology Machine(string name)
    {
        using var host = new FakeHost().Load(Fixtures.PathOf($"machines/{name}/machine.txt"));
        return SysfsTopology.Read(host.Files);
    }
}
