using System.CommandLine;
using PinAgent.Cli.Settings;
using PinAgent.Loop;

namespace PinAgent.Cli.Options;

/// <summary>The option about what the kernel tells of others' changes.</summary>
internal static class EventOptions
{
    private static Setting<MaskEvents> Events { get; } =
        new(
            "--events",
            "auto|connector|probes|syscalls",
            "Whether the kernel tells who moves a pinned thread, by eBPF (CAP_BPF, CAP_PERFMON): not (connector), at probes of its functions, or with every system call, which makes each one slower. auto: at probes where it can be had.",
            "auto",
            text =>
                text switch
                {
                    "auto" => MaskEvents.Auto,
                    "connector" => MaskEvents.Off,
                    "probes" => MaskEvents.Probes,
                    "syscalls" => MaskEvents.Syscalls,
                    _ => throw new FormatException(
                        $"expected auto, connector, probes or syscalls, found \"{text}\""
                    ),
                }
        );

    /// <summary>Adds it.</summary>
    public static void AddTo(DetailedCommand command) => command.Add(Events);

    /// <summary>What was told.</summary>
    public static MaskEvents Get(ParseResult parsed) => Events.Get(parsed);
}
