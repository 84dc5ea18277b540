using System.Globalization;
using PinAgent.Model.Changes;
using PinAgent.Report.Timeline;

namespace PinAgent.Report.Page;

/// <summary>
/// The node's last day, or as much of it as is known: a mark for what happened, in a lane for its kind, each with its words.
/// Marks that would lie on each other are one.
/// </summary>
internal static class TimelineHtml
{
    private const int Width = 1000;
    private const int MarkWidth = 10;
    private const int LaneHeight = 22;
    private const int WordsInAMark = 4;
    private const int Listed = 50;

    private static readonly TimeSpan Longest = TimeSpan.FromHours(24);
    private static readonly TimeSpan Shortest = TimeSpan.FromMinutes(10);

    private static readonly string[] Lanes =
    [
        "slow, waiting",
        "drifts, repairs",
        "not pinned",
        "violations",
        "VMs",
        "agent",
    ];

    /// <summary>The section; nothing where nothing is known to have happened.</summary>
    public static Html Render(TimelinePicture picture)
    {
        var entries = picture
            .Entries.Where(entry => entry.At <= picture.Now && entry.At > picture.Now - Longest)
            .ToList();
        if (entries.Count == 0)
        {
            return Html.None;
        }

        var from = entries.Min(entry => entry.At);
        from = picture.Now - from < Shortest ? picture.Now - Shortest : from;
        var marks = entries
            .GroupBy(entry => (Slot: Slot(entry.At, from, picture.Now), entry.Lane))
            .OrderBy(mark => mark.Key)
            .Select(mark => Mark(mark.Key.Slot, mark.Key.Lane, [.. mark]));
        return Html.Of(
            $"""
            <section class="timeline" aria-labelledby="timeline">
            <div class="head"><h2 id="timeline">What happened</h2></div>
            <div class="lanes"><ul class="names" aria-hidden="true">
            {Html.Lines(Lanes.Select(name => Html.Of($"<li>{name}</li>")))}
            </ul>
            <svg viewBox="0 0 {Width} {Lanes.Length * LaneHeight}" preserveAspectRatio="none" role="group" aria-label="Timeline">
            {Html.Lines(
                Enumerable
                    .Range(1, Lanes.Length - 1)
                    .Select(lane =>
                        Html.Of(
                            $"""<path class="line" d="M0 {lane * LaneHeight}H{Width}"/>"""
                        )
                    )
            )}
            {Html.Lines(Spans(entries, from, picture.Now))}
            {Html.Lines(marks)}
            </svg>
            <p class="axis"><span>{Minute(from)}</span><span>{Minute(from + ((picture.Now - from) / 2), from)}</span><span>{Minute(
                picture.Now, from
            )}</span></p></div>
            <p class="words" aria-hidden="true"></p>
            <details id="changes"><summary>In words, the newest first</summary>
            <ol>
            {Html.Lines(
                entries
                    .AsEnumerable()
                    .Reverse()
                    .Take(Listed)
                    .Select(entry => Html.Of($"<li>{Words(entry)}</li>"))
            )}
            </ol>
            </details>
            </section>
            """
        );
    }

    // How long VMs were slow. Who has stopped the agent, or killed it, has ended what it knew.
    private static IEnumerable<Html> Spans(
        List<TimelineEntry> entries,
        DateTimeOffset from,
        DateTimeOffset now
    ) =>
        entries
            .Where(entry => entry.Kind == VmChangeKind.WaitBegun)
            .Select(begun =>
            {
                var end = entries.Find(entry =>
                    entry.At >= begun.At
                    && (
                        entry.Kind is VmChangeKind.AgentStarted or VmChangeKind.AgentStopped
                        || (
                            entry.Who == begun.Who
                            && entry.Kind is VmChangeKind.WaitEnded or VmChangeKind.Ended
                        )
                    )
                );
                var (first, last) = (Slot(begun.At, from, now), Slot(end?.At ?? now, from, now));
                return Html.Of(
                    $"""<rect class="span" x="{first * MarkWidth}" y="{((int)TimelineLane.Waits * LaneHeight) + 8}" width="{((last - first + 1) * MarkWidth) - 1}" height="{LaneHeight - 16}"/>"""
                );
            })
            .DistinctBy(span => span.ToString());

    private static Html Mark(int slot, TimelineLane lane, List<TimelineEntry> entries)
    {
        var words =
            string.Join("; ", entries.Take(WordsInAMark).Select(Words))
            + (
                entries.Count > WordsInAMark
                    ? $"; {entries.Count - WordsInAMark} more until {Time(entries[^1].At)}"
                    : ""
            );
        var look = entries.TrueForAll(entry => entry.IsEnd) ? " end" : "";
        return Html.Of(
            $"""<g class="mark l{(int)lane}{look}" id="at-{(int)lane}-{slot}" tabindex="0" role="img" aria-label="{words}"><title>{words}</title><rect x="{slot * MarkWidth}" y="{((int)lane * LaneHeight) + 3}" width="{MarkWidth - 1}" height="{LaneHeight - 6}"/></g>"""
        );
    }

    private static int Slot(DateTimeOffset at, DateTimeOffset from, DateTimeOffset now) =>
        Math.Min((Width / MarkWidth) - 1, (int)((at - from) / (now - from) * Width / MarkWidth));

    private static string Words(TimelineEntry entry) =>
        $"{Time(entry.At)} {(entry.Who.Length == 0 ? "" : $"{entry.Who}: ")}{entry.What}";

    // To the second it would be another page each time that it's asked for.
    private static string Minute(DateTimeOffset time, DateTimeOffset? first = null) =>
        time.UtcDateTime.ToString(
            first?.UtcDateTime.Date == time.UtcDateTime.Date ? "HH:mm" : "MM-dd HH:mm 'UTC'",
            CultureInfo.InvariantCulture
        );

    private static string Time(DateTimeOffset time) =>
        time.UtcDateTime.ToString("MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture);
}
