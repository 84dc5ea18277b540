using PinAgent.Report.Waits;

namespace PinAgent.Report.Page;

/// <summary>What the colours, patterns and marks of the map mean; only those that are on it.</summary>
internal static class LegendHtml
{
    private static readonly (string Look, string Short, string Long, string Meaning)[] Looks =
    [
        ("vcpu", "v0", "vCPU 0", "vCPU 0 of the VM of this colour and letter"),
        ("emulator", "em", "emulator", "emulator: QEMU's own threads"),
        ("iothread", "io1", "I/O 1", "I/O thread 1 of the VM"),
        ("wanted", "v0?", "vCPU 0?", "belongs here, isn't there"),
        ("would", "v0?", "vCPU 0?", "would be put here"),
        ("floating", "~", "unpinned", "not pinned: the VM's threads float"),
        ("spare", "–", "unused", "the VM's, unused"),
        ("conflict", "!", "conflict", "more than one VM's"),
        ("pool", "sh", "shared", "shared pool"),
        ("beside", "em", "emulator", "no VM's own: QEMU's own threads of one or more run here"),
        ("undedicated", "vm", "other VMs", "VMs that aren't dedicated may run here"),
        ("other", "ex", "exclusive", "exclusive to a container that is no dedicated VM"),
        ("free", "·", "free", "no dedicated VM"),
        ("offline", "off", "offline", "offline"),
    ];

    /// <summary>Whose the CPUs are.</summary>
    /// <param name="isShort">Whether marks are abbreviations there.</param>
    public static Html Uses(IReadOnlySet<string> looks, bool isShort) =>
        Html.Of(
            $"""
            <ul class="legend uses" aria-label="Legend">
            {Html.Lines(
                Looks
                    .Where(item => looks.Contains(item.Look))
                    .Select(item =>
                        Html.Of(
                            $"""<li><span class="cpu {item.Look}" aria-hidden="true"><span class="mark">{(isShort ? item.Short : item.Long)}</span></span> {item.Meaning}</li>"""
                        )
                    )
            )}
            </ul>
            """
        );

    /// <summary>How long vCPUs waited.</summary>
    public static Html Waits() =>
        Html.Of(
            $"""
            <ul class="legend heat" aria-label="Legend">
            <li>Share of the last seconds in which the vCPU could have run and waited, in percent:</li>
            {Html.Lines(
                WaitWords.Levels.Index()
                    .Select(level =>
                        Html.Of(
                            $"""<li><span class="cpu vcpu h{level.Index}" aria-hidden="true"><span class="wait">{Sample(level.Index)}</span></span> {level.Item}</li>"""
                        )
                    )
            )}
            <li>no figure: no vCPU, or not known</li>
            </ul>
            """
        );

    private static string Sample(int level) =>
        level switch
        {
            0 => "0.0",
            1 => "0.2",
            2 => "0.7",
            3 => "2.0",
            4 => "10",
            _ => "35",
        };
}
