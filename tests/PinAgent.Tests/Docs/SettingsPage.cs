using System.Text.RegularExpressions;
using PinAgent.Cli;
using PinAgent.Cli.Options;
using PinAgent.Cli.Settings;
using static PinAgent.Tests.Docs.MarkdownTable;

namespace PinAgent.Tests.Docs;

/// <summary>The page of the agent's settings.</summary>
internal static partial class SettingsPage
{
    public static string Text() =>
        $"""
            # Settings

            Each is an option of `pinagent run` (`--mode audit`), a variable (`PINAGENT_MODE=audit`) and a line of the settings file
            (`mode: audit`); the option wins, then the variable. The file is `/etc/pinagent/config.yaml` or that of `--config`
            (`PINAGENT_CONFIG`): YAML, lists where several values are allowed. Every mistake is told at the start, a line each. An edit
            of `mode` takes effect at once and leaves every pin in place; other edits are used from the next start on, and said until then.

            {Of(
                ["setting", "variable", "values", "default", "means"],
                ((DetailedCommand)RunCommand.Create()).Settings
                    .Where(setting => setting.IsInFile)
                    .Select(Row)
            )}

            - `vm` and `vmi` are for `standalone`. As a map `vm` has CPUs too: [a plain host](../plain-host.md#install).
            - `labels`: `manage` is for PinAgent to set them, `observe` for somebody else, `auto` for whoever is there.
            - `state-dir`: one enforcing agent at a time has it.
            - `without-vmi-rights` is for agents that have no right to read VMIs, and `kubepods-cgroup` for one that runs in no pod.
            - `metrics-listen` takes any address, as `0.0.0.0:9478`: [monitoring](../../monitoring/README.md) has the rights it takes.
            - `events`: [who moved a thread](../operate.md#who-moved-it).
            """;

    private static string[] Row(Setting setting)
    {
        var option = setting.Option;
        var text = option.Description!;
        var hint = Hint().Match(text);
        Assert(hint.Success, $"{option.Name}: its help doesn't end with its variable");
        var isFlag = hint.Groups["flag"].Success;
        return
        [
            Code(setting.Key),
            Code(setting.Variable),
            Code(option.HelpName ?? ""),
            // The host's name is this machine's.
            setting.Key == "node-name"
                ? "the host's name"
            : isFlag ? Code("false")
            : Code(hint.Groups["default"].Value),
            text[..hint.Index].TrimEnd(),
        ];
    }

    private static void Assert(bool holds, string otherwise) => Xunit.Assert.True(holds, otherwise);

    [GeneratedRegex(
        @"\[(default: (?<default>.+); )?env: \w+(?<flag>=true)?(, separated by commas)?\]$",
        RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking
    )]
    private static partial Regex Hint();
}
