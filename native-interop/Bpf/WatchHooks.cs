using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace PinAgent.NativeInterop.Bpf;

/// <summary>Where the programs are attached, by what is wanted and what machine it is. Pure.</summary>
internal static class WatchHooks
{
    private static readonly ImmutableArray<string> s_calls =
    [
        "sched_setaffinity",
        "sched_setscheduler",
        "sched_setparam",
        "sched_setattr",
    ];

    /// <summary>
    /// What has to be attached for masks, policies and priorities. A call's return comes before its begin, so that none is seen
    /// to begin whose return isn't.
    /// </summary>
    public static ImmutableArray<WatchHook> OfMasks(MaskHook masks, Architecture architecture) =>
        (masks, architecture) switch
        {
            (MaskHook.Probe, Architecture.X64) =>
            [
                .. s_calls.SelectMany(call => Probes("x64", "x64", $"__x64_sys_{call}", call)),
                // Missing in kernels that run no 32-bit programs.
                .. s_calls.SelectMany(call =>
                    Probes(
                        "ia32",
                        "x64",
                        $"__ia32_{Compatible(call)}sys_{call}",
                        call,
                        isNeeded: false
                    )
                ),
            ],
            (MaskHook.Probe, Architecture.Arm64) =>
            [
                .. s_calls.SelectMany(call =>
                    Probes("arm64", "arm64", $"__arm64_sys_{call}", call)
                ),
                .. Probes(
                    "arm64",
                    "arm64",
                    $"__arm64_compat_sys_{s_calls[0]}",
                    s_calls[0],
                    isNeeded: false
                ),
            ],
            (MaskHook.Syscalls, _) =>
            [
                .. s_calls.SelectMany(call =>
                    new WatchHook[]
                    {
                        new(
                            "exit_any",
                            HookKind.Tracepoint,
                            $"syscalls/sys_exit_{call}",
                            [("ret", 16)]
                        ),
                        new(
                            $"enter_{Program(call)}",
                            HookKind.Tracepoint,
                            $"syscalls/sys_enter_{call}",
                            [("pid", 16)]
                        ),
                    }
                ),
            ],
            _ => [],
        };

    /// <summary>What has to be attached for names.</summary>
    public static WatchHook OfNames { get; } =
        new("renamed", HookKind.Tracepoint, "task/task_rename", [("pid", 8), ("newcomm", 28)]);

    /// <summary>What has to be attached for moves between cgroups.</summary>
    public static WatchHook OfMoves { get; } =
        new(
            "attached",
            HookKind.Tracepoint,
            "cgroup/cgroup_attach_task",
            [("dst_id", 16), ("pid", 24)]
        );

    private static WatchHook[] Probes(
        string begin,
        string end,
        string function,
        string call,
        bool isNeeded = true
    ) =>
        [
            new($"return_{end}", HookKind.Return, function, [], isNeeded),
            new($"{Program(call)}_{begin}", HookKind.Begin, function, [], isNeeded),
        ];

    private static string Program(string call) => call == s_calls[0] ? "affinity" : "sched";

    // The mask has another length there, so that the call has a function of its own.
    private static string Compatible(string call) => call == s_calls[0] ? "compat_" : "";
}

/// <summary>A program and where it's attached.</summary>
/// <param name="Target">A function, or a tracepoint's folder and name.</param>
/// <param name="Fields">Of a tracepoint's record, what the program reads, and where.</param>
/// <param name="IsNeeded">Whether the kernel has to have it.</param>
internal sealed record WatchHook(
    string Program,
    HookKind Kind,
    string Target,
    ImmutableArray<(string Name, int Offset)> Fields,
    bool IsNeeded = true
);

/// <summary>What a program is attached to.</summary>
internal enum HookKind
{
    /// <summary>The begin of a function.</summary>
    Begin,

    /// <summary>Its return.</summary>
    Return,

    /// <summary>A tracepoint.</summary>
    Tracepoint,
}

/// <summary>How changes of masks, policies and priorities are seen.</summary>
public enum MaskHook
{
    /// <summary>They aren't.</summary>
    None,

    /// <summary>By probes of the kernel's functions for these calls: other calls cost nothing more.</summary>
    Probe,

    /// <summary>By the tracepoints of these system calls: every system call of the machine takes longer, and 32-bit ones aren't seen.</summary>
    Syscalls,
}
