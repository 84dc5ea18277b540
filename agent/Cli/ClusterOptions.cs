using System.CommandLine;

namespace PinAgent.Cli;

/// <summary>The options of an agent on a cluster's node.</summary>
internal static class ClusterOptions
{
    /// <summary>How to reach the cluster.</summary>
    public static Option<string?> KubeConfig { get; } =
        new("--kubeconfig")
        {
            Description =
                "How to reach the cluster; without it KUBECONFIG, the pod's service account, or ~/.kube/config. "
                + "[env: PINAGENT_KUBECONFIG]",
            HelpName = "FILE",
            DefaultValueFactory = _ => Environment.GetEnvironmentVariable("PINAGENT_KUBECONFIG"),
        };

    /// <summary>Where decisions are kept.</summary>
    public static Setting<string> StateDir { get; } =
        Options.Text(
            "--state-dir",
            "DIR",
            "Where the agent remembers, across its own restart, which VMs the cluster called dedicated.",
            "/run/pinagent"
        );

    /// <summary>Whether pods are annotated.</summary>
    public static Option<bool> AnnotatePods { get; } =
        new("--annotate-pods")
        {
            Description =
                "Keep the map of vCPUs to CPUs in the annotation pinagent.dev/placement of each pinned VM's pod: one "
                + "write per change, and the right to patch pods. [env: PINAGENT_ANNOTATE_PODS]",
            DefaultValueFactory = _ =>
                Environment.GetEnvironmentVariable("PINAGENT_ANNOTATE_PODS") == "true",
        };

    /// <summary>Adds the options.</summary>
    public static void AddTo(Command command)
    {
        command.Add(KubeConfig);
        command.Add(StateDir.Option);
        command.Add(AnnotatePods);
        LabelOptions.AddTo(command);
    }
}
