using System.CommandLine;
using PinAgent.Cli.Settings;
using PinAgent.Loop;

namespace PinAgent.Cli.Options;

/// <summary>The options of an agent on a cluster's node.</summary>
internal static class ClusterOptions
{
    /// <summary>How to reach the cluster.</summary>
    public static Setting<string?> KubeConfig { get; } =
        new(
            new Option<string?>("--kubeconfig")
            {
                Description =
                    "How to reach the cluster; without it KUBECONFIG, the pod's service account, or ~/.kube/config. "
                    + "[env: PINAGENT_KUBECONFIG]",
                HelpName = "FILE",
            },
            isList: false,
            [""],
            texts => texts[0].Length > 0 ? texts[0] : null
        );

    /// <summary>Where decisions are kept.</summary>
    public static Setting<string> StateDir { get; } =
        CommonOptions.Text(
            "--state-dir",
            "DIR",
            "Where the agent keeps, across its own restart, which VMs are dedicated, and what it has done to them.",
            "/run/pinagent"
        );

    /// <summary>Whether pods are annotated.</summary>
    public static Setting<bool> AnnotatePods { get; } =
        CommonOptions.Flag(
            "--annotate-pods",
            "Keep the map of vCPUs to CPUs in the annotation pinagent.dev/placement of each pinned VM's pod: one write per "
                + "change, and the right to patch pods."
        );

    /// <summary>Whether VMIs aren't asked for.</summary>
    public static Setting<bool> WithoutVmiRights { get; } =
        CommonOptions.Flag(
            "--without-vmi-rights",
            "Don't ask the API server for VMIs, for which the agent has no right: which VMs are dedicated is told by their pods."
        );

    /// <summary>What was told of the cluster.</summary>
    public static ClusterSettings Get(ParseResult parsed) =>
        new(
            KubeConfig.Get(parsed) is { Length: > 0 } file ? file : null,
            LabelOptions.KubeVirtNamespace.Get(parsed),
            LabelOptions.Get(parsed),
            AnnotatePods.Get(parsed),
            !WithoutVmiRights.Get(parsed)
        );

    /// <summary>Adds the options.</summary>
    public static void AddTo(DetailedCommand command)
    {
        command.Add(KubeConfig);
        command.Add(StateDir);
        command.Add(AnnotatePods);
        command.Add(WithoutVmiRights);
        LabelOptions.AddTo(command);
    }
}
