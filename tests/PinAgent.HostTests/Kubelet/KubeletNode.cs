using System.Text.Json.Nodes;
using CliWrap;
using CliWrap.Buffered;
using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Kubelet;

/// <summary>The real kubelet of tests/lanes/kubelet-node.sh, with the static CPU manager, on the machine of the tests.</summary>
internal static class KubeletNode
{
    private static readonly string? Directory = Variable("NODE_DIR");
    private static readonly string? Script = Variable("KUBELET_NODE");

    /// <summary>The node's <c>/run</c>, seen from outside its mount namespace.</summary>
    public static string Run => $"{Directory}/run";

    /// <summary>The kubelet's folder, likewise.</summary>
    public static string Root => $"{Directory}/lib/kubelet";

    /// <summary>Skips the test where there is no kubelet, or the machine has fewer CPUs.</summary>
    public static void Require(int cpus = 2)
    {
        Assert.SkipUnless(
            Directory is not null && Script is not null,
            "needs a kubelet: tests/lanes/control-plane.sh run --controllers tests/lanes/kubelet-node.sh run …"
        );
        Requires.RealGuests(cpus);
    }

    /// <summary>Restarts the kubelet.</summary>
    /// <param name="policy">Its CPU manager's policy.</param>
    /// <param name="fresh">Whether its checkpoint is deleted in between.</param>
    public static async Task RestartAsync(string policy, bool fresh)
    {
        var result = await Cli.Wrap(Script!)
            .WithArguments(["restart-kubelet", policy, .. fresh ? (string[])["--fresh"] : []])
            .WithValidation(CommandResultValidation.None)
            .ExecuteBufferedAsync(TestContext.Current.CancellationToken);
        Assert.True(result.ExitCode == 0, $"kubelet-node.sh: {result.StandardError}");
    }

    /// <summary>The kubelet's checkpoint; null while there is none.</summary>
    public static Checkpoint? Checkpoint()
    {
        try
        {
            return new(JsonNode.Parse(File.ReadAllText($"{Root}/cpu_manager_state"))!);
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    private static string? Variable(string name) =>
        Environment.GetEnvironmentVariable($"PINAGENT_TEST_{name}");
}

/// <summary>What the kubelet has written down of its CPU manager (<c>cpu_manager_state</c>, version 2).</summary>
internal sealed class Checkpoint(JsonNode json)
{
    public string Policy => (string)json["policyName"]!;

    /// <summary>The CPUs of the shared pool.</summary>
    public string Shared => (string)json["defaultCpuSet"]!;

    /// <summary>The exclusive CPUs of a pod's container <c>compute</c>; null if it has none.</summary>
    public string? Exclusive(string podUid) => (string?)json["entries"]?[podUid]?["compute"];
}
