using System.Collections.Immutable;
using System.CommandLine;
using System.Text.RegularExpressions;
using PinAgent.Cli.Settings;
using PinAgent.Model.Kubernetes;

namespace PinAgent.Cli.Options;

/// <summary>The options about the node's labels.</summary>
internal static class LabelOptions
{
    private static readonly char[] Separators = [','];

    /// <summary>What the labels are called.</summary>
    public static Setting<ImmutableArray<string>> Keys { get; } =
        new(
            new Option<string[]>("--label-keys")
            {
                Description =
                    "The node's labels that say that the CPU manager runs. "
                    + $"[default: {string.Join(',', LabelSettings.DefaultKeys)}; env: PINAGENT_LABEL_KEYS]",
                HelpName = "KEY,...",
            },
            isList: true,
            [.. LabelSettings.DefaultKeys],
            texts => ReadKeys(string.Join(',', texts))
        );

    /// <summary>Where KubeVirt's ConfigMap is.</summary>
    public static Setting<string> KubeVirtNamespace { get; } =
        CommonOptions.Text(
            "--kubevirt-namespace",
            "NAME",
            "Where KubeVirt's ConfigMap kubevirt-config is, with its feature gates.",
            "kubevirt"
        );

    private static Setting<LabelMode> Mode { get; } =
        CommonOptions.Choice(
            "--labels",
            "Set these labels, if the feature gate CPUManager is on; or only say which are wrong. auto sets them unless "
                + "virt-handler does.",
            [("auto", LabelMode.Auto), ("manage", LabelMode.Manage), ("observe", LabelMode.Observe)]
        );

    /// <summary>Adds the options that the agent has.</summary>
    public static void AddTo(DetailedCommand command)
    {
        command.Add(Mode);
        command.Add(Keys);
        command.Add(KubeVirtNamespace);
    }

    /// <summary>What was told.</summary>
    public static LabelSettings Get(ParseResult parsed) => new(Mode.Get(parsed), Keys.Get(parsed));

    private static ImmutableArray<string> ReadKeys(string text)
    {
        var keys = text.Split(
            Separators,
            StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries
        );
        return keys.Length > 0 && Array.TrueForAll(keys, key => Key.IsMatch(key))
            ? [.. keys.Distinct()]
            : throw new FormatException(
                $"expected labels' keys like kubevirt.io/cpumanager, separated by commas, found \"{text}\""
            );
    }

    // kubernetes.io/docs/concepts/overview/working-with-objects/labels, "Syntax and character set"
    private static readonly Regex Key = new(
        @"\A([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?\z",
        RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking
    );
}
