using System.Collections.Immutable;
using System.Globalization;
using PinAgent.Model.Changes;
using PinAgent.Model.Text;
using PinAgent.Report.Map;
using PinAgent.Report.Status;
using PinAgent.Report.Timeline;

namespace PinAgent.Report.Page;

/// <summary>
/// The node's last day, or as much of it as is known: a mark for what happened, in a lane for its kind, each with its words.
/// Marks that would lie on each other are one. Each VM has its own in words.
/// </summary>
internal sealed class TimelineHtml
{
    private const int Width = 1000;
    private const int MarkWidth = 10;
    private const int LaneHeight = 22;
    private const int WordsInAMark = 4;
    private const int Listed = 50;
    private const int ListedOfAVm = 20;
    private const int MostTraced = 20;

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

    private readonly DateTimeOffset _from;
    private readonly DateTimeOffset _now;
    private readonly List<TimelineEntry> _entries;
    private readonly ILookup<string, TimelineEntry> _ofVms;
    private readonly Dictionary<string, string> _letters = new(StringComparer.Ordinal);

    /// <summary>The timeline of a node.</summary>
    /// <param name="picture">Null where none is kept.</param>
    /// <param name="status">The node.</param>
    /// <param name="tags">What stands for its VMs on the map.</param>
    public TimelineHtml(TimelinePicture? picture, NodeStatus status, ImmutableArray<VmTag?> tags)
    {
        _now = picture?.Now ?? DateTimeOffset.UnixEpoch;
        _entries =
        [
            .. picture?.Entries.Where(entry => entry.At <= _now && entry.At > _now - Longest) ?? [],
        ];
        _from = _now - Shortest;
        _from = _entries.Count > 0 && _entries[0].At < _from ? _entries[0].At : _from;
        _ofVms = _entries
            .SelectMany(entry => entry.Vms, (entry, vm) => (vm, entry))
            .ToLookup(at => at.vm, at => at.entry, StringComparer.Ordinal);
        foreach (var (at, vm) in status.Vms.Index())
        {
            if (tags[at] is { } tag)
            {
                _letters[Words.Shown(Name(vm))] = tag.Letters;
            }
        }
    }

    /// <summary>Whether nothing is known to have happened.</summary>
    public bool IsEmpty => _entries.Count == 0;

    /// <summary>The section; nothing where nothing is known to have happened.</summary>
    public Html Render()
    {
        if (IsEmpty)
        {
            return Html.None;
        }

        var marks = _entries
            .GroupBy(entry => (Slot: Slot(entry.At), entry.Lane))
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
            {Html.Lines(Spans())}
            {Html.Lines(marks)}
            </svg>
            <p class="axis">{Tick(_from, "MM-dd HH:mm 'UTC'")}{Tick(_from + ((_now - _from) / 2), "HH:mm")}{Tick(
                _now, _from.UtcDateTime.Date == _now.UtcDateTime.Date ? "HH:mm" : "MM-dd HH:mm"
            )}</p></div>
            <p class="words" aria-hidden="true"></p>
            <details id="changes"><summary>In words, the newest first{(_entries.Count > Listed ? $": {Listed} of {_entries.Count}; a VM's own are with the VM" : "")}</summary>
            {List(_entries, Listed, Line)}
            </details>
            </section>
            """
        );
    }

    /// <summary>What happened to a VM, in words; nothing where nothing is known.</summary>
    public Html Of(VmStatus vm)
    {
        var own = _ofVms[Words.Shown(Name(vm))].ToList();
        return own.Count == 0
            ? Html.None
            : Html.Of(
                $"""
                <details id="changes-{vm.Pid}" class="changes"><summary>{own.Count} {(
                    own.Count == 1 ? "change" : "changes"
                )} in the last day{(
                    own.Count > ListedOfAVm ? $", the newest {ListedOfAVm}" : ""
                )}</summary>
                {List(
                    own,
                    ListedOfAVm,
                    entry => Html.Of($"<li>{NodeHtml.Time(entry.At)} {entry.What}</li>")
                )}
                </details>
                """
            );
    }

    private static Html List(
        List<TimelineEntry> entries,
        int most,
        Func<TimelineEntry, Html> line
    ) =>
        Html.Of(
            $"""
            <ol>
            {Html.Lines(entries.AsEnumerable().Reverse().Take(most).Select(line))}
            </ol>
            """
        );

    private static Html Line(TimelineEntry entry) =>
        Html.Of($"<li>{NodeHtml.Time(entry.At)} {Subject(entry)}{entry.What}</li>");

    // How long VMs were slow. Who has stopped the agent, or killed it, has ended what it knew.
    private IEnumerable<Html> Spans() =>
        _entries
            .Where(entry => entry.Kind == VmChangeKind.WaitBegun)
            .Select(begun =>
            {
                var end = _entries.Find(entry =>
                    entry.At >= begun.At
                    && (
                        entry.Kind is VmChangeKind.AgentStarted or VmChangeKind.AgentStopped
                        || (
                            entry.Who == begun.Who
                            && entry.Kind is VmChangeKind.WaitEnded or VmChangeKind.Ended
                        )
                    )
                );
                var (first, last) = (Slot(begun.At), Slot(end?.At ?? _now));
                return Html.Of(
                    $"""<rect class="span"{Traced([begun])} x="{first * MarkWidth}" y="{((int)TimelineLane.Waits * LaneHeight) + 8}" width="{((last - first + 1) * MarkWidth) - 1}" height="{LaneHeight - 16}"/>"""
                );
            })
            .DistinctBy(span => span.ToString());

    private Html Mark(int slot, TimelineLane lane, List<TimelineEntry> entries)
    {
        var words =
            string.Join(
                "; ",
                entries
                    .Take(WordsInAMark)
                    .Select(entry => $"{Times.Utc(entry.At)} {Subject(entry)}{entry.What}")
            )
            + (
                entries.Count > WordsInAMark
                    ? $"; {entries.Count - WordsInAMark} more until {Times.Utc(entries[^1].At)}"
                    : ""
            );
        var look = entries.TrueForAll(entry => entry.IsEnd) ? " end" : "";
        return Html.Of(
            $"""<g class="mark l{(int)lane}{look}" id="at-{(int)lane}-{slot}"{Traced(entries)} tabindex="0" role="img" aria-label="{words}"><title>{words}</title><rect x="{slot * MarkWidth}" y="{((int)lane * LaneHeight) + 3}" width="{MarkWidth - 1}" height="{LaneHeight - 6}"/></g>"""
        );
    }

    // Whose it is, so that a VM's marks are found by pointing at it.
    private Html Traced(List<TimelineEntry> entries)
    {
        var letters = entries
            .SelectMany(entry => entry.Vms)
            .Select(vm => _letters.GetValueOrDefault(vm))
            .OfType<string>()
            .Distinct()
            .Take(MostTraced)
            .ToList();
        return letters.Count == 0
            ? Html.None
            : Html.Of($""" data-vm="{string.Join(' ', letters)}" """);
    }

    private int Slot(DateTimeOffset at) =>
        Math.Min((Width / MarkWidth) - 1, (int)((at - _from) / (_now - _from) * Width / MarkWidth));

    private static string Name(VmStatus vm) => $"{vm.Namespace}/{vm.Name}";

    private static string Subject(TimelineEntry entry) =>
        entry.Who.Length == 0 ? "" : $"{entry.Who}: ";

    // To the second it would be another page each time that it's asked for.
    private static Html Tick(DateTimeOffset time, string form) =>
        Html.Of(
            $"""<time datetime="{time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm'Z'", CultureInfo.InvariantCulture)}">{time.UtcDateTime.ToString(form, CultureInfo.InvariantCulture)}</time>"""
        );
}
