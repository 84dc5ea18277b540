using PinAgent.Model.Node;
using PinAgent.Observe.Files;
using PinAgent.Report;

namespace PinAgent.Cli.Settings;

/// <summary>
/// The mode that the files allow: of another folder than <c>/</c> they may be a copy, or somebody's who wants threads of
/// this machine moved. So they are only reported on, unless the one who calls the agent says otherwise in that very call.
/// </summary>
internal static class HostMode
{
    /// <summary>What says the mode before every pass.</summary>
    /// <param name="isLive">Whether their <c>/proc</c> is the agent's own.</param>
    /// <param name="isOnCommandLine">Whether the mode was told on the command line.</param>
    public static Func<EffectiveMode> Of(
        LiveMode told,
        HostFiles files,
        bool isLive,
        bool isOnCommandLine
    )
    {
        if (isLive && (files.IsMachine || isOnCommandLine))
        {
            return told.Look;
        }

        var because = isLive
            ? $"{files.Root} isn't this machine's root, and mode enforce wasn't told on the command line: audit only"
            : $"{files.Display("/proc")} isn't a live procfs of the agent's own PID namespace, so its thread ids mean nothing to "
                + "this kernel: audit only";
        return () =>
            new EffectiveMode(
                AgentMode.Audit,
                told.Current.Mode == AgentMode.Audit ? null : because
            );
    }
}
