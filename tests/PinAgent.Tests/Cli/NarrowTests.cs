using System.Collections.Immutable;
using System.Text.Json;
using System.Text.RegularExpressions;
using PinAgent.Cli.Terminal;
using PinAgent.Model.Changes;
using PinAgent.Model.Cpu;
using PinAgent.Model.Kubernetes;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Report.Detect;
using PinAgent.Report.Doctor;
using PinAgent.Report.Status;
using Spectre.Console;
using Spectre.Console.Rendering;
using Xunit;

namespace PinAgent.Tests.Cli;

/// <summary>Answers in a terminal of 80 columns: every line fits, and no word is broken in the middle.</summary>
public sealed partial class NarrowTests
{
    private const int Width = 80;
    private const string LongName = "customer-0815-production-database-primary-01-a7f3c9";

    private static readonly NodeStatus Node = JsonSerializer.Deserialize(
        File.ReadAllText(Fixtures.PathOf("status/node.json")),
        ReportJson.Default.NodeStatus
    )!;

    // Every other CPU of a large machine: a list that has no blank.
    private static readonly CpuSet Scattered = CpuSet.Of(
        Enumerable.Range(0, 64).Select(i => 2 * i)
    );

    private static VmStatus Large
    {
        get
        {
            var vcpu = Node.Vms[0].Threads.First(thread => thread.Role == ThreadRole.Vcpu);
            return Node.Vms[0] with
            {
                Namespace = "team-with-a-long-name",
                Name = LongName,
                Cpuset = Scattered,
                Advisories = [$"the CPUs {Scattered} are on 2 sockets, which the guest can't see"],
                Threads =
                [
                    .. Enumerable
                        .Range(0, 64)
                        .Select(i =>
                            vcpu with
                            {
                                Index = i,
                                Tid = 4_194_000 + i,
                                Comm = $"CPU {i}/KVM",
                                Wanted = CpuSet.Of([2 * i]),
                                Actual = CpuSet.Of([2 * i]),
                                RunDelayNanoseconds = 12_345_678_901,
                                Rule =
                                    $"second thread of guest core {i / 2}: not beside CPU {i}, to move as little as possible",
                            }
                        ),
                    vcpu with
                    {
                        Role = ThreadRole.Emulator,
                        Index = null,
                        Wanted = Scattered,
                        Actual = Scattered,
                        Rule = "not isolated: anywhere in the cpuset",
                    },
                ],
            };
        }
    }

    public static TheoryData<string> Answers =>
        [
            "status",
            "status of many",
            "status --vm",
            "topology",
            "detect",
            "doctor",
            "explain",
            "validate",
        ];

    [Theory]
    [MemberData(nameof(Answers))]
    public void Every_word_of_the_wide_answer_is_whole_in_the_narrow_one(string answer)
    {
        var content = Answer(answer);
        var wide = Draw(content, 10_000);
        var narrow = Draw(content, Width);

        Assert.All(narrow, line => Assert.InRange(line.Length, 0, Width));
        Assert.Contains(narrow, line => line.Length > 40);
        var words = Words(wide).ToHashSet(StringComparer.Ordinal);
        Assert.Subset(words, Words(narrow).ToHashSet(StringComparer.Ordinal));
        if (answer is not ("status" or "status of many" or "status --vm"))
        {
            // And none is left out.
            Assert.Empty(words.Except(Words(narrow)));
        }
    }

    [Fact]
    public void A_VM_of_64_vCPUs_has_a_row_for_each_with_its_CPU_and_outcome()
    {
        var narrow = Draw(VmExplanation.Render(Node, Large), Width);

        foreach (var thread in Large.Threads.Where(thread => thread.Role == ThreadRole.Vcpu))
        {
            Assert.Contains(
                narrow,
                line =>
                    line.StartsWith($"  vcpu {thread.Index} ", StringComparison.Ordinal)
                    && line.Contains($" {thread.Wanted} ", StringComparison.Ordinal)
                    && line.Contains($" {thread.Outcome} ", StringComparison.Ordinal)
            );
        }
    }

    [Fact]
    public void Where_a_name_leaves_no_room_each_row_names_its_columns()
    {
        var table = new PlainTable("VM", "PID", "STATE", "REASON", "CPUS");
        table.AddRow($"default/{LongName}", "4711", "NotDedicated", "NoCpusetOfItsOwn", "0-1");

        Assert.Equal(
            [
                "VM",
                $"default/{LongName}  PID 4711",
                "    STATE NotDedicated  REASON NoCpusetOfItsOwn  CPUS 0-1",
            ],
            Draw(table, Width)
        );
    }

    [Fact]
    public void What_is_longer_than_a_line_stays_whole()
    {
        var path = $"/{new string('x', 200)}/y";

        Assert.Equal(
            ["at", path, "nothing is"],
            Draw(new Flow($"at {path} nothing is"), 20).Select(line => line.Trim())
        );
    }

    [Fact]
    public void Columns_that_say_little_go_first_and_the_widest_is_broken_next()
    {
        var table = new PlainTable("A", "LITTLE", "TEXT") { LeaveOut = ["LITTLE"] };
        table.AddRow("1", "xxxxxxxxxx", "one two three four five six");

        Assert.Equal(
            ["A  LITTLE      TEXT", "1  xxxxxxxxxx  one two three four five six"],
            Draw(table, 60)
        );
        Assert.Equal(
            ["A  LITTLE      TEXT", "1  xxxxxxxxxx  one two three four", "               five six"],
            Draw(table, 36)
        );
        Assert.Equal(["A  TEXT", "1  one two three four", "   five six"], Draw(table, 25));
    }

    private static IRenderable Answer(string answer) =>
        answer switch
        {
            "status" => StatusTable.Render(Node with { Vms = [Large] }),
            "status of many" => StatusTable.Render(
                Node with
                {
                    Vms =
                    [
                        .. Node.Vms,
                        .. Node.Vms.Select(vm => vm with { Name = "another-name-of-some-length" }),
                    ],
                }
            ),
            "status --vm" => VmExplanation.Render(Node, Large),
            "topology" => TopologyTable.Render(
                new NodeTopology(
                    [.. Scattered.Select(cpu => new LogicalCpu(cpu, 0, cpu % 4 / 2, cpu))],
                    offline: CpuSet.Of(Scattered.Select(cpu => cpu + 1))
                )
            ),
            "detect" => DetectText.Render(
                DetectStatus.Of(
                    new CpuManagerObservation(
                        CpuManagerState.Static,
                        null,
                        [
                            $"/var/lib/kubelet/cpu_manager_state: policy static, shared CPUs {Scattered}",
                        ]
                    ),
                    new PodResources(
                        Scattered,
                        ImmutableDictionary<ContainerName, CpuSet>.Empty.Add(
                            new("team", $"virt-launcher-{LongName}", "compute"),
                            Scattered
                        )
                    ),
                    null,
                    "node-1",
                    ["kubevirt.io/cpumanager", "cpumanager"]
                )
            ),
            "doctor" => DoctorText.Render(
                new DoctorStatus(
                    "1.0",
                    "node-1",
                    [
                        Finding.Ok("CPUs", $"128 online ({Scattered})"),
                        new(
                            $"QEMU team/{LongName[..30]}",
                            FindingLevel.Warning,
                            "its threads aren't named, and its open files can't be looked at",
                            "telling its vCPUs: Waiting, ThreadsUnnamed",
                            "Start QEMU with debug-threads=on, as libvirt does, or give the agent CAP_SYS_PTRACE"
                        ),
                    ]
                )
            ),
            "explain" => ExplainText.Render(
                [
                    new VmChange
                    {
                        At = DateTimeOffset.UnixEpoch,
                        Kind = VmChangeKind.NotPinned,
                        Cause = ChangeCause.Met,
                        Namespace = "team",
                        Name = LongName,
                        Pid = 4711,
                        State = VmState.NotDedicated,
                        Reason = Reason.NoCpusetOfItsOwn,
                        Message =
                            $"no cgroup has a cpuset of its own, so it may run on {Scattered}",
                        Cpuset = Scattered.ToString(),
                    },
                ],
                DateTimeOffset.UnixEpoch
            ),
            "validate" => ValidateText.Render([
                new(
                    1,
                    "VirtualMachineInstance",
                    true,
                    [],
                    [
                        "spec.domain.cpu.dedicatedCpuPlacement: its requests and limits of memory aren't the same, so the pod isn't Guaranteed",
                    ],
                    "team",
                    LongName,
                    false,
                    null
                ),
            ]),
            _ => throw new ArgumentOutOfRangeException(nameof(answer), answer, null),
        };

    private static List<string> Draw(IRenderable content, int width)
    {
        using var output = new StringWriter();
        Output.Write(content, output, isPipe: true, width);
        return [.. output.ToString().TrimEnd().Split('\n')];
    }

    // A list of CPUs may be broken behind its commas.
    private static IEnumerable<string> Words(IEnumerable<string> lines) =>
        lines.SelectMany(line => Separators().Split(line)).Where(word => word.Length > 0);

    [GeneratedRegex("[ ,]+", RegexOptions.NonBacktracking)]
    private static partial Regex Separators();
}
