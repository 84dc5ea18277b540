using PinAgent.Model.Node;
using PinAgent.Report.Status;
using Xunit;

namespace PinAgent.Tests.Report;

/// <summary>What the agent is told at once, in a word and in a sentence.</summary>
public sealed class EventTextTests
{
    [Theory]
    [InlineData(EventSourceState.Scanning, null, "scanning", "new threads are found by looking")]
    [InlineData(
        EventSourceState.Listening,
        MaskSourceState.Looking,
        "connector",
        "new threads are told of at once; a pinned thread that is moved is found by looking, and by whom isn't known (why)"
    )]
    [InlineData(
        EventSourceState.Listening,
        MaskSourceState.Probes,
        "ebpf",
        "new threads are told of at once, and who moves a pinned one, by probes of the kernel"
    )]
    [InlineData(
        EventSourceState.Scanning,
        MaskSourceState.Syscalls,
        "ebpf",
        "new threads are found by looking, and who moves a pinned one, with every system call of the machine"
    )]
    public void The_source_and_what_it_means(
        EventSourceState state,
        MaskSourceState? masks,
        string source,
        string text
    )
    {
        var events = new EventSource(state, null)
        {
            Masks = masks is { } known ? new MaskSource(known, "why") : null,
        };

        Assert.Equal((source, text), (events.Source, EventText.Of(events)));
    }
}
