using k8s;
using PinAgent.Kubernetes.Client;
using PinAgent.Model.Kubernetes;
using PinAgent.Observe.Cluster;
using PinAgent.Tests.Kubernetes;
using Xunit;

namespace PinAgent.Tests.Report.Detect;

/// <summary>The feature gate as <c>pinagent detect</c> asks for it.</summary>
public sealed class GateSurveyTests : IAsyncDisposable
{
    private const int Timeout = Patience.Hang;
    private const string ConfigMap = "/api/v1/namespaces/kubevirt/configmaps/kubevirt-config";
    private const string KubeVirts = "/apis/kubevirt.io/v1/kubevirts";
    private const string OldKubeVirts = "/apis/kubevirt.io/v1alpha3/kubevirts";

    private readonly FakeApiServer _server = new();
    private readonly ApiConnection _connection;

    public GateSurveyTests() =>
        _connection = new ApiConnection(
            () => new KubernetesClientConfiguration { Host = _server.Address },
            TimeProvider.System
        );

    public async ValueTask DisposeAsync()
    {
        _connection.Dispose();
        await _server.DisposeAsync();
    }

    [Fact(Timeout = Timeout)]
    public async Task Both_who_turn_it_on_are_named()
    {
        var asking = AskAsync();
        await (await _server.NextAsync(ConfigMap)).RespondAsync(200, Config("Live, CPUManager"));
        await (await _server.NextAsync(KubeVirts)).ListAsync(
            7,
            KubeVirt("kv", """{"featureGates":["CPUManager"]}""")
        );

        var survey = await asking;
        Assert.Equal(FeatureGate.On, survey.Gate);
        Assert.Equal(
            ["ConfigMap kubevirt/kubevirt-config", "KubeVirt kubevirt/kv"],
            survey.Sources
        );
        Assert.Empty(survey.Problems);
    }

    [Fact(Timeout = Timeout)]
    public async Task Who_turns_it_off_is_named_and_not_who_turned_it_on()
    {
        var asking = AskAsync();
        await (await _server.NextAsync(ConfigMap)).RespondAsync(200, Config("CPUManager"));
        await (await _server.NextAsync(KubeVirts)).ListAsync(
            7,
            KubeVirt("kv", """{"disabledFeatureGates":["CPUManager"]}""")
        );

        var survey = await asking;
        Assert.Equal(FeatureGate.Off, survey.Gate);
        Assert.Equal(["KubeVirt kubevirt/kv"], survey.Sources);
    }

    [Fact(Timeout = Timeout)]
    public async Task An_old_cluster_has_KubeVirt_objects_of_an_old_version()
    {
        var asking = AskAsync();
        await (await _server.NextAsync(ConfigMap)).RefuseAsync(404, "NotFound");
        await (await _server.NextAsync(KubeVirts)).RefuseAsync(404, "NotFound");
        await (await _server.NextAsync(OldKubeVirts)).ListAsync(
            7,
            KubeVirt("old", """{"featureGates":["CPUManager"]}""")
        );

        Assert.Equal(["KubeVirt kubevirt/old"], (await asking).Sources);
    }

    [Fact(Timeout = Timeout)]
    public async Task In_a_cluster_without_KubeVirt_it_is_off()
    {
        var asking = AskAsync();
        foreach (var path in new[] { ConfigMap, KubeVirts, OldKubeVirts })
        {
            await (await _server.NextAsync(path)).RefuseAsync(404, "NotFound");
        }

        var survey = await asking;
        Assert.Equal(FeatureGate.Off, survey.Gate);
        Assert.Empty(survey.Sources);
    }

    [Fact(Timeout = Timeout)]
    public async Task An_object_that_cant_be_read_is_named()
    {
        var asking = AskAsync();
        await (await _server.NextAsync(ConfigMap)).RespondAsync(200, Config("CPUManager"));
        await (await _server.NextAsync(KubeVirts)).ListAsync(
            7,
            KubeVirt("kv", """{"featureGates":"CPUManager"}""")
        );

        var survey = await asking;
        Assert.Equal(FeatureGate.Unknown, survey.Gate);
        Assert.Contains("kubevirt/kv", Assert.Single(survey.Problems), StringComparison.Ordinal);
    }

    [Theory(Timeout = Timeout)]
    [InlineData(403, "Forbidden")]
    [InlineData(500, "InternalError")]
    public async Task A_refusal_is_told(int code, string reason)
    {
        var asking = AskAsync();
        await (await _server.NextAsync(ConfigMap)).RefuseAsync(code, reason);

        var problem = await Assert.ThrowsAsync<ApiException>(() => asking);
        Assert.StartsWith($"{code} {reason}", problem.Message, StringComparison.Ordinal);
    }

    private Task<GateSurvey> AskAsync() =>
        GateSurvey.AskAsync(_connection, "kubevirt", TestContext.Current.CancellationToken);

    private static string Config(string gates) =>
        $$$"""{"metadata":{"uid":"u1","namespace":"kubevirt","name":"kubevirt-config"},"data":{"feature-gates":"{{{gates}}}"}}""";

    private static string KubeVirt(string name, string developer) =>
        """{"metadata":{"uid":"u2","namespace":"kubevirt","name":"NAME"},"spec":{"configuration":{"developerConfiguration":DEVELOPER}}}"""
            .Replace("NAME", name, StringComparison.Ordinal)
            .Replace("DEVELOPER", developer, StringComparison.Ordinal);
}
