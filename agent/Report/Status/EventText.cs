using PinAgent.Model.Node;

namespace PinAgent.Report.Status;

/// <summary>What the agent is told at once, and what it has to look for, in words.</summary>
internal static class EventText
{
    /// <summary>What an administrator should know of it.</summary>
    public static IEnumerable<string> Notices(EventSource? source) =>
        source?.Message is not { } why ? []
        : source.State == EventSourceState.Listening ? [why]
        : [$"New VMs are found by looking, not at once: {why}"];

    /// <summary>As in <c>new threads are told of at once; who moves a pinned one isn't told (why), and is found by looking</c>.</summary>
    public static string Of(EventSource events)
    {
        var threads =
            events.State == EventSourceState.Listening
                ? "new threads are told of at once"
                : "new threads are found by looking";
        return events.Masks switch
        {
            null => threads,
            { State: MaskSourceState.Looking, Message: var why } =>
                $"{threads}; a pinned thread that is moved is found by looking, and by whom isn't known ({why})",
            { State: MaskSourceState.Syscalls } =>
                $"{threads}, and who moves a pinned one, with every system call of the machine",
            _ => $"{threads}, and who moves a pinned one, by probes of the kernel",
        };
    }
}
