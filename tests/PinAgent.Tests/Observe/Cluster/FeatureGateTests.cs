using System.Text;
using PinAgent.Kubernetes.Client;
using PinAgent.Kubernetes.Watch;
using PinAgent.Model.Kubernetes;
using PinAgent.Observe.Cluster;
using PinAgent.Tests.Report.Cluster;
using Xunit;

namespace PinAgent.Tests.Observe.Cluster;

/// <summary>The feature gate by what ConfigMap and KubeVirt objects say.</summary>
public sealed class FeatureGateTests
{
    private static readonly ApiMetadata Metadata = new()
    {
        Uid = "u",
        Namespace = "kubevirt",
        Name = "kubevirt",
    };

    private static readonly ApiProblem NotFound = new(ApiProblemKind.NotFound, "404");
    private static readonly ApiProblem Forbidden = new(ApiProblemKind.Forbidden, "403");

    private readonly ObjectStore<GateFacts> _config = new("ConfigMap", () => { });
    private readonly ObjectStore<GateFacts> _kubeVirts = new("KubeVirts", () => { });

    [Theory]
    [InlineData("CPUManager", true)]
    [InlineData("DataVolumes,CPUManager", true)]
    [InlineData(" DataVolumes , CPUManager ,", true)]
    [InlineData("DataVolumes;CPUManager", true)]
    [InlineData("DataVolumes\\nCPUManager\\n", true)]
    [InlineData("\\\"CPUManager\\\"", true)]
    [InlineData("DataVolumes", false)]
    [InlineData("CPUManagerPlus,NoCPUManager", false)]
    [InlineData("cpumanager", false)]
    [InlineData("", false)]
    [InlineData(",,", false)]
    public void A_ConfigMap_has_gates_in_a_text(string gates, bool isEnabled)
    {
        SayConfig($$$"""{"data":{"feature-gates":"{{{gates}}}"}}""");
        SayKubeVirt("{}");

        Assert.Equal(isEnabled ? FeatureGate.On : FeatureGate.Off, Gate);
    }

    [Theory]
    [InlineData("""{"featureGates":["DataVolumes","CPUManager"]}""", FeatureGate.On)]
    [InlineData("""{"featureGates":["DataVolumes"]}""", FeatureGate.Off)]
    [InlineData("""{"featureGates":null}""", FeatureGate.Off)]
    [InlineData(
        """{"featureGates":["CPUManager"],"disabledFeatureGates":["CPUManager"]}""",
        FeatureGate.Off
    )]
    [InlineData("""{"featureGates":"CPUManager"}""", FeatureGate.Unknown)]
    public void A_KubeVirt_object_has_lists_of_gates(string developer, FeatureGate expected)
    {
        SayConfig("{}");
        SayKubeVirt(
            """{"spec":{"configuration":{"developerConfiguration":DEVELOPER}}}""".Replace(
                "DEVELOPER",
                developer,
                StringComparison.Ordinal
            )
        );

        Assert.Equal(expected, Gate);
    }

    [Fact]
    public void A_KubeVirt_object_turns_off_what_the_ConfigMap_turns_on()
    {
        SayConfig("""{"data":{"feature-gates":"CPUManager"}}""");
        SayKubeVirt(
            """{"spec":{"configuration":{"developerConfiguration":{"disabledFeatureGates":["CPUManager"]}}}}"""
        );

        Assert.Equal(FeatureGate.Off, Gate);
    }

    [Fact]
    public void Neither_the_ConfigMap_nor_the_kind_is_needed()
    {
        _config.Replace([], null);
        _kubeVirts.Failed(NotFound, LabelNode.Now);

        Assert.Equal(FeatureGate.Off, Gate);
    }

    [Fact]
    public void It_is_not_known_before_both_have_answered()
    {
        Assert.Equal(FeatureGate.Unknown, Gate);
        SayConfig("""{"data":{"feature-gates":"CPUManager"}}""");
        Assert.Equal(FeatureGate.Unknown, Gate);
        _kubeVirts.Failed(Forbidden, LabelNode.Now);
        Assert.Equal(FeatureGate.Unknown, Gate);
        _kubeVirts.Replace([], null);
        Assert.Equal(FeatureGate.On, Gate);
    }

    [Fact]
    public void What_was_known_holds_while_the_server_is_away()
    {
        SayConfig("""{"data":{"feature-gates":"CPUManager"}}""");
        SayKubeVirt("{}");
        _config.Failed(new(ApiProblemKind.Trouble, "refused"), LabelNode.Now);
        _kubeVirts.Failed(new(ApiProblemKind.Trouble, "refused"), LabelNode.Now);

        Assert.Equal(FeatureGate.On, Gate);
    }

    // A gate that newer versions turn on by themselves.
    [Theory]
    [InlineData("{}", FeatureGate.Unknown)]
    [InlineData("""{"featureGates":["ImageVolume"]}""", FeatureGate.On)]
    [InlineData("""{"disabledFeatureGates":["ImageVolume"]}""", FeatureGate.Off)]
    public void Of_a_gate_whose_default_is_its_versions_only_what_is_said_is_known(
        string developer,
        FeatureGate expected
    )
    {
        SayConfig("{}");
        SayKubeVirt("""{"spec":{"configuration":{"developerConfiguration":""" + developer + "}}}");

        Assert.Equal(expected, FeatureGates.OfNewer(FeatureGates.ImageVolume, _config, _kubeVirts));
    }

    private FeatureGate Gate => FeatureGates.Of(FeatureGates.CpuManager, _config, _kubeVirts);

    private void SayConfig(string json) => Say(_config, FeatureGates.ConfigMaps, json);

    private void SayKubeVirt(string json) => Say(_kubeVirts, FeatureGates.KubeVirts, json);

    private static void Say(
        ObjectStore<GateFacts> store,
        ObjectKind<GateFacts> kind,
        string json
    ) =>
        store.Replace(
            [new("u", kind.Understand(Metadata, Encoding.UTF8.GetBytes(json)))],
            passedOver: null
        );
}
