using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CliWrap;
using CliWrap.Buffered;
using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Image;

/// <summary>The agent's pod, as <c>kubectl apply -k</c> would make it.</summary>
internal static class Manifest
{
    /// <summary>The spec of the pods, and the settings file that they are given.</summary>
    /// <param name="folder">The kustomization, in the repository.</param>
    public static async Task<(JsonObject Pod, string Settings)> PodAsync(string folder)
    {
        var objects = Parse(await RenderAsync(folder));
        var pod = Only(objects, "DaemonSet")["spec"]!["template"]!["spec"]!.AsObject();
        var settings = Only(objects, "ConfigMap");
        Assert.Contains(
            (string)settings["metadata"]!["name"]!,
            pod["volumes"]!.AsArray().Select(volume => (string?)volume!["configMap"]?["name"])
        );
        return (pod, (string)settings["data"]!["config.yaml"]!);
    }

    /// <summary>The pod's only container.</summary>
    public static JsonObject ContainerOf(JsonObject pod) =>
        pod["containers"]!.AsArray().Single()!.AsObject();

    /// <summary>The containers that run before it.</summary>
    public static IEnumerable<JsonObject> InitContainersOf(JsonObject pod) =>
        pod["initContainers"]?.AsArray().Select(container => container!.AsObject()) ?? [];

    /// <summary>A folder of the host that a volume is; null if it's none.</summary>
    public static string? HostPathOf(JsonObject pod, string volume) =>
        (string?)
            pod["volumes"]!
                .AsArray()
                .Single(found => (string)found!["name"]! == volume)!["hostPath"]
                ?["path"];

    /// <summary>Where the container's mounts are.</summary>
    public static IEnumerable<string> MountPaths(JsonObject pod) => MountPathsOf(ContainerOf(pod));

    /// <summary>Where a container's mounts are.</summary>
    public static IEnumerable<string> MountPathsOf(JsonObject container) =>
        container["volumeMounts"]!.AsArray().Select(mount => (string)mount!["mountPath"]!);

    // A command that changes nothing here, needs no API server, and prints JSON.
    private static async Task<string> RenderAsync(string folder)
    {
        var rendered = Cli.Wrap("kubectl").WithArguments(["kustomize", Paths.InRepository(folder)]);
        var result = await (
            rendered
            | Cli.Wrap("kubectl")
                .WithArguments(["annotate", "--local", "-f", "-", "-o", "json", "rendered-"])
        ).ExecuteBufferedAsync(TestContext.Current.CancellationToken);
        return result.StandardOutput;
    }

    private static List<JsonNode> Parse(string text)
    {
        var reader = new Utf8JsonReader(
            Encoding.UTF8.GetBytes(text),
            new JsonReaderOptions { AllowMultipleValues = true }
        );
        var objects = new List<JsonNode>();
        while (reader.Read())
        {
            objects.Add(JsonNode.Parse(ref reader)!);
        }

        return objects;
    }

    private static JsonNode Only(IEnumerable<JsonNode> objects, string kind) =>
        objects.Single(item => (string)item["kind"]! == kind);
}
