using System.Collections.Immutable;
using System.Text.Json;
using PinAgent.Cli.Terminal;
using PinAgent.Model.Cpu;
using PinAgent.Model.Kubernetes;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Report.Cluster;
using PinAgent.Report.Detect;
using PinAgent.Report.Doctor;
using PinAgent.Report.Status;
using Xunit;

namespace PinAgent.Tests.Report.Doctor;

/// <summary>What <c>pinagent doctor</c> makes of what it has gathered.</summary>
public sealed class DoctorStatusTests
{
    private const ulong AllCapabilities = 0x1ff_ffff_ffff;
    private const ulong NetAdmin = 1UL << 12;
    private const ulong SysPtrace = 1UL << 19;
    private const ulong SysNice = 1UL << 23;

    private static readonly HostFacts Host = new()
    {
        Kernel = "6.8.0",
        Cgroups = ["v2"],
        HasCpusets = true,
        HasLiveProc = true,
        ShowsKernelThreads = true,
        Capabilities = AllCapabilities,
        PtraceScope = "1",
        Topology = new([new(0, 0, 0, 0), new(1, 0, 0, 1), new(2, 0, 0, 0), new(3, 0, 0, 1)]),
        CpuManager = new(CpuManagerState.Static, null, ["policy static"]),
        PodResources = new(CpuSet.Parse("1-3"), ImmutableDictionary<ContainerName, CpuSet>.Empty),
    };

    private static readonly NodeStatus Status = new()
    {
        Node = "node-1",
        Mode = AgentMode.Enforce,
        Topology = TopologyStatus.Of(Host.Topology!),
        CpuManager = CpuManagerStatus.Of(Host.CpuManager),
        Vms = [],
        Drift = new(0),
    };

    private static readonly AgentFacts Agent = new("/run/pinagent.sock", Status, null);

    private static readonly ClusterAnswers Cluster = new(
        new(
            "https://10.0.0.1:6443",
            FeatureGate.On,
            ["KubeVirt kubevirt/kubevirt"],
            new(DateTimeOffset.UnixEpoch, true),
            ImmutableSortedDictionary<string, LabelStatus>.Empty.Add(
                "cpumanager",
                new("true", "true", "virt-handler", "as it should be")
            ),
            []
        ),
        Grant(_ => true),
        null
    );

    public static TheoryData<string, string, FindingLevel> Machines() =>
        new()
        {
            { "no kernel release", "kernel", FindingLevel.Warning },
            { "recorded", "/proc", FindingLevel.Problem },
            { "container", "PID namespace", FindingLevel.Warning },
            { "no cgroups", "cgroups", FindingLevel.Problem },
            { "no cpuset controller", "cgroups", FindingLevel.Problem },
            { "no sysfs", "CPUs", FindingLevel.Problem },
            { "isolcpus", "isolcpus", FindingLevel.Warning },
            { "another user", "user", FindingLevel.Warning },
            { "no SYS_NICE", "CAP_SYS_NICE", FindingLevel.Problem },
            { "no NET_ADMIN", "CAP_NET_ADMIN", FindingLevel.Warning },
            { "no SYS_PTRACE", "CAP_SYS_PTRACE", FindingLevel.Warning },
            { "no attach", "Yama", FindingLevel.Warning },
            { "SELinux", "security modules", FindingLevel.Warning },
            { "policy none", "CPU manager", FindingLevel.Warning },
            { "no kubelet", "CPU manager", FindingLevel.Warning },
            { "keys in the pod", "kubelet's secrets", FindingLevel.Warning },
            { "processes unreadable", "QEMU", FindingLevel.Problem },
            { "unnamed", "QEMU vm1 (pid 7)", FindingLevel.Warning },
        };

    [Theory]
    [MemberData(nameof(Machines))]
    public void A_machine_that_lacks_something_is_told_what_that_costs_and_what_to_do(
        string machine,
        string check,
        FindingLevel level
    )
    {
        var findings = Examine(Machine(machine), Agent, Cluster).Findings;

        var finding = Assert.Single(findings, finding => finding.Level != FindingLevel.Ok);
        Assert.Equal((check, level), (finding.Check, finding.Level));
        if (check != "kernel")
        {
            Assert.NotNull(finding.Loses);
            Assert.NotNull(finding.Action);
        }
    }

    [Theory]
    [InlineData("spc_t")]
    [InlineData("unconfined_t")]
    public void An_enforcing_SELinux_is_fine_where_the_agent_isnt_confined(string type)
    {
        var host = Host with { SelinuxEnforces = true, SecurityLabel = $"system_u:r:{type}:s0" };

        Assert.Equal(FindingLevel.Ok, Examine(host, Agent, Cluster).Level);
    }

    [Fact]
    public void Hidden_processes_are_seen_with_the_capability_and_not_without_it()
    {
        var hidden = Host with { HidePid = "invisible" };

        Assert.Equal(FindingLevel.Ok, Examine(hidden, Agent, Cluster).Level);
        Assert.Contains(
            Examine(hidden with { Capabilities = SysNice }, Agent, Cluster).Findings,
            finding => finding is { Check: "hidepid", Level: FindingLevel.Problem }
        );
    }

    [Fact]
    public void Of_a_recorded_machine_the_capabilities_of_this_process_say_nothing() =>
        Assert.DoesNotContain(
            Examine(Host with { Capabilities = null }, Agent, Cluster).Findings,
            finding => finding.Check.StartsWith("CAP_", StringComparison.Ordinal)
        );

    [Fact]
    public void Of_an_agent_that_may_not_be_asked_nothing_is_known()
    {
        var finding = Assert.Single(
            Examine(Host, new("/run/a.sock", null, "permission denied", true), null).Findings,
            finding => finding.Check == "running agent"
        );

        Assert.Equal(FindingLevel.Warning, finding.Level);
        Assert.Equal("/run/a.sock: this user may not ask it (permission denied)", finding.Found);
        Assert.Equal("whether an agent runs, and what it does, isn't known", finding.Loses);
    }

    [Fact]
    public void An_agent_that_makes_no_passes_is_a_problem_and_one_that_isnt_there_is_not()
    {
        Assert.Equal(
            FindingLevel.Problem,
            Examine(Host, Agent with { Problem = "the last pass ended 90 s ago" }, null).Level
        );
        Assert.Equal(
            FindingLevel.Warning,
            Examine(Host, new("/run/pinagent.sock", null, "no agent runs here"), null).Level
        );
        Assert.Equal(
            FindingLevel.Warning,
            Examine(
                Host,
                Agent with
                {
                    Status = Status with { Mode = AgentMode.Audit },
                },
                null
            ).Level
        );
    }

    [Theory]
    [InlineData("pods", "watch", FindingLevel.Problem)]
    [InlineData("virtualmachineinstances", "list", FindingLevel.Problem)]
    [InlineData("nodes", "patch", FindingLevel.Warning)]
    [InlineData("events", "create", FindingLevel.Warning)]
    public void A_right_that_is_missing_is_named_by_its_verb(
        string resource,
        string verb,
        FindingLevel level
    )
    {
        var answers = Cluster with
        {
            Rights = Grant(right => right.Resource != resource || right.Verb != verb),
        };

        var finding = Assert.Single(
            Examine(Host, Agent, answers).Findings,
            finding => finding.Level != FindingLevel.Ok
        );

        Assert.Equal(
            ($"right to {resource}", level, $"missing: {verb}"),
            (finding.Check, finding.Level, finding.Found)
        );
    }

    [Fact]
    public void A_cluster_that_doesnt_answer_is_a_problem() =>
        Assert.Equal(
            FindingLevel.Problem,
            Examine(Host, Agent, new(DetectClusterStatus.Failed("no file"), null, "no file")).Level
        );

    [Fact]
    public void A_healthy_node_and_one_in_trouble_read_like_this()
    {
        Check("healthy", Examine(Host, Agent, Cluster));
        Check(
            "trouble",
            Examine(
                Host with
                {
                    Capabilities = SysPtrace,
                    CpuManager = new(CpuManagerState.None, null, ["policy none"]),
                },
                new("/run/pinagent.sock", null, "/run/pinagent.sock: no agent runs here"),
                Cluster with
                {
                    Detected = Cluster.Detected with
                    {
                        Gate = FeatureGate.Off,
                        VirtHandler = new(null, false),
                        Labels = ImmutableSortedDictionary<string, LabelStatus>.Empty.Add(
                            "cpumanager",
                            new("true", null, null, "the CPU manager runs")
                        ),
                    },
                    Rights = Grant(right => right.Resource != "nodes"),
                }
            )
        );
    }

    private static HostFacts Machine(string name) =>
        name switch
        {
            "no kernel release" => Host with { Kernel = null },
            "recorded" => Host with { HasLiveProc = false, Capabilities = null },
            "container" => Host with { ShowsKernelThreads = false },
            "no cgroups" => Host with { HasCpusets = false, CgroupProblem = "no such file" },
            "no cpuset controller" => Host with { HasCpusets = false },
            "no sysfs" => Host with { Topology = null, TopologyProblem = "no such file" },
            "isolcpus" => Host with
            {
                Topology = new([new(0, 0, 0, 0)], isolated: CpuSet.Parse("0")),
            },
            "another user" => Host with { IsUnprivileged = true },
            "no SYS_NICE" => Host with { Capabilities = AllCapabilities & ~SysNice },
            "no NET_ADMIN" => Host with { Capabilities = AllCapabilities & ~NetAdmin },
            "no SYS_PTRACE" => Host with { Capabilities = AllCapabilities & ~SysPtrace },
            "no attach" => Host with { PtraceScope = "3" },
            "SELinux" => Host with
            {
                SelinuxEnforces = true,
                SecurityLabel = "system_u:system_r:container_t:s0",
            },
            "policy none" => Host with { CpuManager = new(CpuManagerState.None, null, ["none"]) },
            "no kubelet" => Host with { CpuManager = new(CpuManagerState.Unknown, null, ["-"]) },
            "keys in the pod" => Host with { IsInPod = true, ExposedSecrets = ["pki"] },
            "processes unreadable" => Host with { VmProblem = "/proc: denied" },
            "unnamed" => Host with
            {
                Vms =
                [
                    new()
                    {
                        Key = new(7, 1),
                        GuestName = "vm1",
                        Guest = GuestCpus.One,
                        Problem = Standing.Unclear(Reason.ThreadsUnnamed, "no vCPU is seen"),
                    },
                ],
            },
            _ => throw new ArgumentOutOfRangeException(nameof(name), name, "no such machine"),
        };

    private static ImmutableDictionary<AccessRight, bool> Grant(
        Func<AccessRight, bool> isGranted
    ) =>
        ClusterRights
            .All.SelectMany(rights => rights.Each)
            .ToImmutableDictionary(right => right, isGranted);

    private static DoctorStatus Examine(
        HostFacts host,
        AgentFacts agent,
        ClusterAnswers? cluster
    ) => DoctorStatus.Of("1.2.3", "node-1", host, agent, cluster);

    private static void Check(string name, DoctorStatus status)
    {
        using var text = new StringWriter();
        Output.Write(DoctorText.Render(status), text, isPipe: true);
        Golden.Check($"doctor/{name}.txt", text.ToString());
        Golden.Check(
            $"doctor/{name}.json",
            JsonSerializer.Serialize(status, ReportJsonContext.Readable.DoctorStatus)
        );
    }
}
