using PinAgent.Model.Kubernetes;
using PinAgent.Observe.Vmi;
using PinAgent.Plan.Rules;
using PinAgent.Report.Rules;
using Xunit;

namespace PinAgent.Tests.Validate;

/// <summary>
/// VMs with their instancetype and preference in one input. What comes of them was read off KubeVirt's
/// <c>pkg/instancetype/apply</c> (August 2026); no KubeVirt was asked.
/// </summary>
public sealed class InstancetypeTests
{
    private const string Type =
        "apiVersion: instancetype.kubevirt.io/v1beta1\nkind: VirtualMachineClusterInstancetype\nmetadata: {name: type}\n"
        + "spec: {cpu: {guest: 8, dedicatedCPUPlacement: true}, memory: {guest: 4Gi}}\n";

    [Theory]
    [InlineData("", "8,1,1")]
    [InlineData("cpu: {preferredCPUTopology: preferSockets}", "8,1,1")]
    [InlineData("cpu: {preferredCPUTopology: any}", "8,1,1")]
    [InlineData("cpu: {preferredCPUTopology: preferCores}", "1,8,1")]
    [InlineData("cpu: {preferredCPUTopology: threads}", "1,1,8")]
    [InlineData("cpu: {preferredCPUTopology: spread}", "4,2,1")]
    [InlineData("cpu: {preferredCPUTopology: spread, spreadOptions: {ratio: 4}}", "2,4,1")]
    [InlineData(
        "cpu: {preferredCPUTopology: spread, spreadOptions: {across: CoresThreads}}",
        "1,4,2"
    )]
    [InlineData(
        "cpu: {preferredCPUTopology: preferSpread, spreadOptions: {across: SocketsCoresThreads}}",
        "2,2,2"
    )]
    [InlineData(
        "{preferSpreadSocketToCoreRatio: 4, cpu: {preferredCPUTopology: preferSpread}}",
        "2,4,1"
    )]
    public void The_preference_spreads_the_vcpus(string spec, string expected)
    {
        var preference =
            $"kind: VirtualMachinePreference\nmetadata: {{name: shown}}\nspec:\n  {(spec.Length == 0 ? "{}" : spec)}\n";

        var vmi = Read(
                Type,
                preference,
                Machine("preference: {name: shown, kind: virtualmachinepreference}")
            )
            .Single(one => one.Vmi is not null)
            .Vmi!;

        Assert.Equal(expected, $"{vmi.Sockets},{vmi.Cores},{vmi.Threads}");
        Assert.True(vmi.DedicatedCpuPlacement);
        Assert.False(vmi.HasInstancetype);
    }

    [Fact]
    public void Eight_threads_per_core_are_refused_as_anywhere()
    {
        const string Preference =
            "kind: VirtualMachineClusterPreference\nmetadata: {name: p}\nspec: {cpu: {preferredCPUTopology: threads}}\n";

        var verdict = Judge(Type, Preference, Machine("preference: {name: p}"));

        Assert.Equal(
            "spec.template.spec.domain.cpu.dedicatedCpuPlacement",
            Assert.Single(verdict.Causes).Field
        );
    }

    [Theory]
    [InlineData("cpu: {sockets: 2}", "domain.cpu.sockets")]
    [InlineData("cpu: {dedicatedCpuPlacement: true}", "domain.cpu.dedicatedCpuPlacement")]
    [InlineData("memory: {guest: 4Gi}", "domain.memory.guest")]
    [InlineData("resources: {limits: {cpu: 8}}", "domain.resources.limits.cpu")]
    [InlineData("resources: {requests: {memory: 4Gi}}", "domain.resources.requests.memory")]
    public void What_the_instancetype_says_too_is_refused(string domain, string field)
    {
        var verdict = Judge(Type, Machine("", domain));

        var cause = Assert.Single(verdict.Causes);
        Assert.Equal($"spec.template.spec.{field}", cause.Field);
        Assert.Equal(CauseReason.FieldValueInvalid, cause.Reason);
        Assert.False(verdict.Valid);
    }

    [Theory]
    [InlineData("instancetype: {name: other}", "")]
    [InlineData("instancetype: {name: type, kind: VirtualMachineInstancetype}", "")]
    [InlineData("instancetype: {name: type, revisionName: r1}", "")]
    [InlineData("instancetype: {inferFromVolume: disk}", "")]
    [InlineData("instancetype: {name: type}", "preference: {name: absent}, ")]
    public void What_is_not_beside_it_leaves_it_unknown(string instancetype, string preference)
    {
        var verdict = Judge(
            Type,
            "kind: VirtualMachine\nmetadata: {name: vm}\n"
                + $"spec: {{{instancetype}, {preference}template: {{spec: {{domain: {{devices: {{}}}}}}}}}}\n"
        );

        Assert.Null(verdict.Valid);
        Assert.Null(verdict.Dedicated);
        Assert.Contains("whether the rules hold is unknown", Assert.Single(verdict.Warnings));
    }

    [Theory]
    [InlineData("ns", true)]
    [InlineData("elsewhere", null)]
    public void One_of_a_namespace_is_for_its_namespace(string space, bool? valid)
    {
        var verdict = Judge(
            Type.Replace("ClusterInstancetype", "Instancetype", StringComparison.Ordinal)
                .Replace(
                    "{name: type}",
                    $"{{name: type, namespace: {space}}}",
                    StringComparison.Ordinal
                ),
            "kind: VirtualMachine\nmetadata: {name: vm, namespace: ns}\n"
                + "spec: {instancetype: {name: type, kind: VirtualMachineInstancetype}, template: {spec: {domain: {}}}}\n"
        );

        Assert.Equal(valid, verdict.Valid);
    }

    [Fact]
    public void Everything_of_an_instancetype_that_counts_is_taken()
    {
        var vmi = Read(
                "kind: VirtualMachineClusterInstancetype\nmetadata: {name: type}\nspec:\n"
                    + "  cpu: {guest: 3, dedicatedCPUPlacement: true, isolateEmulatorThread: true, maxSockets: 7, "
                    + "numa: {guestMappingPassthrough: {}}, realtime: {mask: 0-1}}\n"
                    + "  memory: {guest: 4Gi, overcommitPercent: 25, hugepages: {pageSize: 1Gi}}\n"
                    + "  ioThreadsPolicy: supplementalPool\n"
                    + "  ioThreads: {supplementalPoolThreadCount: 2}\n"
                    + "  annotations: {alpha.kubevirt.io/EmulatorThreadCompleteToEvenParity: \"\"}\n",
                Machine("")
            )
            .Single(one => one.Vmi is not null)
            .Vmi!;

        Assert.Equal(
            (3u, 7u, true, true, true, "0-1"),
            (
                vmi.Sockets,
                vmi.MaxSockets,
                vmi.IsolateEmulatorThread,
                vmi.NumaPassthrough,
                vmi.Realtime,
                vmi.RealtimeMask
            )
        );
        Assert.Equal(
            ("4Gi", "3221225472", "1Gi", "supplementalPool", 2u, true),
            (
                vmi.GuestMemory.ToString(),
                vmi.MemoryRequest.ToString(),
                vmi.PageSize,
                vmi.IoThreadsPolicy,
                vmi.SupplementalPoolThreadCount,
                vmi.EmulatorThreadCompleteToEvenParity
            )
        );
    }

    [Fact]
    public void An_instancetype_has_its_own_spelling()
    {
        var document = Assert.Single(
            Read(
                "kind: VirtualMachineClusterInstancetype\nmetadata: {name: type}\n"
                    + "spec: {cpu: {guest: 3, dedicatedCpuPlacement: true}}\n"
            )
        );

        Assert.Contains("dedicatedCPUPlacement is likely meant", Assert.Single(document.Warnings));
    }

    [Fact]
    public void For_run_a_VM_is_what_its_instancetype_makes_of_it_and_a_pool_is_nobody()
    {
        var facts = VmiFile.Parse(
            string.Join(
                "---\n",
                Type,
                Machine(""),
                "kind: VirtualMachinePool\nmetadata: {name: pool}\n"
                    + "spec: {virtualMachineTemplate: {spec: {template: {spec: {domain: {}}}}}}\n"
            ),
            "file"
        );

        var one = Assert.Single(facts);
        Assert.Equal("vm", one.Name);
        Assert.True(one.Spec.DedicatedCpuPlacement);
    }

    private static string Machine(string preference, string domain = "devices: {}") =>
        "kind: VirtualMachine\nmetadata: {name: vm}\nspec:\n  instancetype: {name: type}\n"
        + (preference.Length == 0 ? "" : $"  {preference}\n")
        + $"  template: {{spec: {{domain: {{{domain}}}}}}}\n";

    private static ValidateStatus Judge(params string[] documents) =>
        ValidateStatus.Of(Read(documents)[^1], new RuleContext());

    private static IReadOnlyList<VmiDocument> Read(params string[] documents) =>
        VmiReader.Read(string.Join("---\n", documents), "text");
}
