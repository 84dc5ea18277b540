using System.Text;
using PinAgent.Kubernetes.Client;
using PinAgent.Kubernetes.Watch;
using PinAgent.Model.Kubernetes;
using PinAgent.Model.Vm;
using PinAgent.Observe.Cluster;
using Xunit;

namespace PinAgent.Tests.Kubernetes;

public sealed class ApiReaderTests
{
    [Fact]
    public void A_launcher_pod_says_whose_it_is_and_what_its_containers_request()
    {
        var pod = Read(
            ApiReader.Pod,
            """
            {"metadata":{"uid":"p1","namespace":"default","name":"virt-launcher-vm1-abcde","deletionTimestamp":"2026-08-01T00:00:00Z",
              "labels":{"kubevirt.io":"virt-launcher","kubevirt.io/created-by":"v1","other":"x"},
              "annotations":{"pinagent.dev/mode":"audit","kubectl.kubernetes.io/last-applied-configuration":"secret"},
              "ownerReferences":[{"kind":"Other","name":"x","uid":"y"},{"kind":"VirtualMachineInstance","name":"vm1","uid":"v1"}]},
             "spec":{"nodeSelector":{"cpumanager":"true","kubernetes.io/os":"linux"},
               "initContainers":[{"name":"container-disk","resources":{"limits":{"cpu":"200m"}}}],
               "containers":[{"name":"compute","env":[{"name":"A","value":"secret"}],
                 "resources":{"requests":{"cpu":5,"memory":"1Gi"},"limits":{"cpu":"5","memory":"1Gi"}}}]},
             "status":{"phase":"Running","containerStatuses":[{"name":"compute","containerID":"containerd://c0ffee"}]}}
            """
        );

        Assert.Equal(
            ("p1", "default", "virt-launcher-vm1-abcde"),
            (pod.Uid, pod.Namespace, pod.Name)
        );
        Assert.True(
            pod is { IsLauncher: true, VmiUid: "v1", VmiName: "vm1", AsksForCpuManager: true }
        );
        Assert.True(
            pod is { Mode: "audit", IsDeleting: true, IsFinished: false, HasComputeContainer: true }
        );
        Assert.Equal(
            [
                new PodContainer("container-disk", true) { CpuLimit = Quantity.Parse("200m") },
                new PodContainer("compute")
                {
                    Id = "c0ffee",
                    CpuRequest = Quantity.Parse("5"),
                    CpuLimit = Quantity.Parse("5"),
                    MemoryRequest = Quantity.Parse("1Gi"),
                    MemoryLimit = Quantity.Parse("1Gi"),
                },
            ],
            pod.Containers
        );
        Assert.DoesNotContain("secret", pod.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_vmi_says_what_its_guests_cpus_are()
    {
        var vmi = Read(
            ApiReader.Vmi,
            """
            {"metadata":{"uid":"v1","namespace":"default","name":"vm1",
              "annotations":{"alpha.kubevirt.io/EmulatorThreadCompleteToEvenParity":"","pinagent.dev/mode":"off"}},
             "spec":{"domain":{"ioThreadsPolicy":"supplementalPool","resources":{"requests":{"cpu":"8"},"limits":{"cpu":8}},
               "cpu":{"dedicatedCpuPlacement":true,"isolateEmulatorThread":true,"sockets":2,"cores":2,"threads":2,"maxSockets":4,
                 "numa":{"guestMappingPassthrough":{}},"realtime":{"mask":"0-3,^1"},"model":"host-model"}},
               "volumes":[{"cloudInitNoCloud":{"userData":"secret"}}]},
             "status":{"nodeName":"node1","currentCPUTopology":{"sockets":1,"cores":2,"threads":2},
               "migrationState":{"sourceNode":"node1","targetNode":"node2"}}}
            """
        );

        Assert.Equal(
            new VmiFacts("default", "vm1")
            {
                Uid = "v1",
                Spec = new VmiSpec
                {
                    IsStored = true,
                    DedicatedCpuPlacement = true,
                    IsolateEmulatorThread = true,
                    EmulatorThreadCompleteToEvenParity = true,
                    NumaPassthrough = true,
                    Sockets = 2,
                    Cores = 2,
                    Threads = 2,
                    MaxSockets = 4,
                    Realtime = true,
                    RealtimeMask = "0-3,^1",
                    IoThreadsPolicy = VmiSpec.SupplementalPool,
                    CpuRequest = Quantity.Parse("8"),
                    CpuLimit = Quantity.Parse("8"),
                },
                CurrentTopology = new GuestTopology(1, 2, 2),
                NodeName = "node1",
                MigrationSource = "node1",
                MigrationTarget = "node2",
                Mode = "off",
            },
            vmi
        );
        Assert.Equal((UInt128)8, vmi.Spec.SaidVcpus);
    }

    [Theory]
    [InlineData("{}", null)]
    [InlineData("""{"spec":null,"status":null}""", null)]
    [InlineData("""{"spec":{"domain":{"cpu":{"cores":3}}}}""", 3L)]
    [InlineData(
        """{"spec":{"domain":{"resources":{"requests":{"cpu":"3"},"limits":{"cpu":"4"}}}}}""",
        4L
    )]
    [InlineData("""{"spec":{"domain":{"resources":{"requests":{"cpu":2}}}}}""", 2L)]
    [InlineData("""{"spec":{"domain":{"resources":{"requests":{"cpu":"1500m"}}}}}""", 2L)]
    [InlineData(
        """{"spec":{"domain":{"cpu":{"sockets":4294967295,"cores":2,"threads":2}}}}""",
        17_179_869_180L
    )]
    public void The_number_of_vcpus_is_the_topologys_or_else_that_of_the_resources(
        string rest,
        long? vcpus
    ) => Assert.Equal((UInt128?)vcpus, Read(ApiReader.Vmi, WithName(rest)).Spec.SaidVcpus);

    [Theory]
    [InlineData("""{"spec":{"domain":{"cpu":{"sockets":-1}}}}""")]
    [InlineData("""{"spec":{"domain":{"cpu":{"sockets":"2"}}}}""")]
    [InlineData("""{"spec":{"domain":{"cpu":{"dedicatedCpuPlacement":"yes"}}}}""")]
    [InlineData("""{"spec":{"domain":{"resources":{"limits":{"cpu":{}}}}}}""")]
    [InlineData("""{"spec":[]}""")]
    public void A_vmi_that_contradicts_its_schema_isnt_guessed_at(string rest) =>
        Assert.Throws<System.Text.Json.JsonException>(() => Read(ApiReader.Vmi, WithName(rest)));

    [Theory]
    [InlineData("""{"items":[{"a":1},2],"metadata":{"resourceVersion":"7"}}""", "7", 2)]
    [InlineData("""{"metadata":{"resourceVersion":"7"},"items":null}""", "7", 0)]
    [InlineData("""{"metadata":{"resourceVersion":"7"}}""", "7", 0)]
    public void A_list_is_taken_apart_in_whatever_order_it_comes(
        string json,
        string version,
        int count
    )
    {
        var (found, items) = ApiMessage.ReadList(Encoding.UTF8.GetBytes(json));
        Assert.Equal((version, count), (found, items.Length));
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"items":[]}""")]
    [InlineData("""{"metadata":{"resourceVersion":"7"},"items":[{]}""")]
    [InlineData("""{"metadata":{"resourceVersion":7},"items":[]}""")]
    [InlineData("<html>")]
    public void What_isnt_a_list_is_refused(string json) =>
        Assert.ThrowsAny<System.Text.Json.JsonException>(() =>
            ApiMessage.ReadList(Encoding.UTF8.GetBytes(json))
        );

    private static string WithName(string rest) =>
        """{"metadata":{"uid":"v1","name":"vm1"}""" + (rest == "{}" ? "}" : "," + rest[1..]);

    private static T Read<T>(ObjectParser<T> parse, string json)
    {
        var bytes = Encoding.UTF8.GetBytes(json);
        return parse(ApiMessage.ReadMetadata(bytes)!, bytes);
    }
}
