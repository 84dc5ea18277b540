using System.Text.Json.Nodes;
using k8s;
using PinAgent.Kubernetes.Client;
using PinAgent.Kubernetes.Objects;
using PinAgent.Observe.Cluster;
using PinAgent.Report.Doctor;
using PinAgent.Tests.Kubernetes;
using PinAgent.Tests.Validate;
using Xunit;

namespace PinAgent.Tests.Report.Doctor;

/// <summary>The rights that <c>pinagent doctor</c> asks the API server for.</summary>
public sealed class ClusterRightsTests
{
    private const int Timeout = Patience.Hang;

    [Fact]
    public void They_are_those_that_are_granted_by_the_manifest()
    {
        var role = YamlReader
            .Read(RepositoryFiles.Text("deploy/base/rbac.yaml"))
            .Select(document => new Section(document as MapNode, "", []))
            .Single(section => section.Text("kind") == "ClusterRole");

        var granted = role.Sections("rules")
            .Select(rule =>
                string.Join(
                    ' ',
                    Words(rule, "apiGroups")
                        .Concat(Words(rule, "resources"))
                        .Concat(Words(rule, "resourceNames"))
                        .Concat(Words(rule, "verbs"))
                )
            );

        Assert.Equal(
            granted.Order(StringComparer.Ordinal),
            ClusterRights
                .All.Select(rights =>
                    string.Join(
                        ' ',
                        new[] { rights.Group, rights.Resource, rights.Name }
                            .OfType<string>()
                            .Concat(rights.Verbs)
                    )
                )
                .Order(StringComparer.Ordinal)
        );
    }

    [Fact(Timeout = Timeout)]
    public async Task Each_is_asked_for_by_itself()
    {
        await using var server = new FakeApiServer();
        using var connection = new ApiConnection(
            () => new KubernetesClientConfiguration { Host = server.Address },
            TimeProvider.System
        );
        var rights = ClusterRights.All.Single(right => right.Name is not null).Each.ToList();
        var asking = AccessSurvey.AskAsync(
            connection,
            rights,
            "kv",
            TestContext.Current.CancellationToken
        );
        for (var i = 0; i < rights.Count; i++)
        {
            var request = await server.NextAsync(
                "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
            );
            var asked = JsonNode.Parse(request.Body)!["spec"]!["resourceAttributes"]!;
            Assert.Equal(
                ("POST", "kv", "", "configmaps", "kubevirt-config"),
                (
                    request.Method,
                    (string)asked["namespace"]!,
                    (string)asked["group"]!,
                    (string)asked["resource"]!,
                    (string)asked["name"]!
                )
            );
            var isGranted = (string)asked["verb"]! == "get" ? "true" : "false";
            await request.RespondAsync(
                201,
                $$$"""{"kind":"SelfSubjectAccessReview","status":{"allowed":{{{isGranted}}}}}"""
            );
        }

        var granted = await asking;

        Assert.Equal(
            ["get"],
            granted.Where(answer => answer.Value).Select(answer => answer.Key.Verb)
        );
        Assert.Equal(rights.Count, granted.Count);
    }

    private static IEnumerable<string> Words(Section rule, string name) =>
        rule.Items(name).Cast<ScalarNode>().Select(word => word.Text);
}
