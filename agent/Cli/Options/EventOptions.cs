using System.CommandLine;
using PinAgent.Cli.Settings;
using PinAgent.NativeInterop.Bpf;

namespace PinAgent.Cli.Options;

/// <summary>The option about what the kernel tells of others' changes.</summary>
internal static class EventOptions
{
    private static Setting<MaskHook> Events { get; } =
        new(
            "--events",
            "connector|probes|syscalls",
            "Whether the kernel tells who changes a pinned thread, by eBPF (CAP_BPF, CAP_PERFMON): at probes, or with every system call.",
            "connector",
            text =>
                text switch
                {
                    "connector" => MaskHook.None,
                    "probes" => MaskHook.Probe,
                    "syscalls" => MaskHook.Syscalls,
                    _ => throw new FormatException(
                        $"expected connector, probes or syscalls, found \"{text}\""
                    ),
                }
        );

    /// <summary>Adds it.</summary>
    public static void AddTo(DetailedCommand command) => command.Add(Events);

    /// <summary>What was told.</summary>
    public static MaskHook Get(ParseResult parsed) => Events.Get(parsed);
}
