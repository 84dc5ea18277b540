using System.Globalization;
using System.Text.RegularExpressions;
using PinAgent.Model.Cpu;
using PinAgent.Model.Kubernetes;
using PinAgent.Model.Node;
using PinAgent.Model.Text;
using PinAgent.Model.Vm;
using PinAgent.Report.Map;
using PinAgent.Report.Status;

namespace PinAgent.Report.Page;

/// <summary>What there is to say of the node as a whole.</summary>
internal static partial class NodeHtml
{
    /// <summary>A time: in UTC, since the reader may be anywhere, until the page's script makes it the reader's.</summary>
    public static Html Time(DateTimeOffset time) =>
        Html.Of(
            $"""<time datetime="{time.UtcDateTime.ToString("s", CultureInfo.InvariantCulture)}Z">{Times.Utc(time)}</time>"""
        );

    /// <summary>A sentence whose times, as <see cref="Times.Utc"/> says them, are marked as such.</summary>
    public static Html Timed(string sentence)
    {
        var parts = new List<Html>();
        var done = 0;
        foreach (Match time in UtcTime().Matches(sentence))
        {
            parts.Add(Html.Of($"{sentence[done..time.Index]}"));
            parts.Add(
                Html.Of(
                    $"""<time datetime="{time.Groups["day"].Value}T{time.Groups["clock"].Value}Z">{time.Value}</time>"""
                )
            );
            done = time.Index + time.Length;
        }

        parts.Add(Html.Of($"{sentence[done..]}"));
        return Html.Of(parts);
    }

    [GeneratedRegex(
        @"(?<day>[0-9]{4}-[0-9]{2}-[0-9]{2}) (?<clock>[0-9]{2}:[0-9]{2}:[0-9]{2}) UTC",
        RegexOptions.NonBacktracking
    )]
    private static partial Regex UtcTime();

    /// <summary>The figures below the verdict.</summary>
    public static Html Figures(NodeStatus status, NodeMap map)
    {
        var dedicated = status.Vms.Where(vm => vm.Dedicated).ToList();
        var others = status.Vms.Length - dedicated.Count;
        var uses = map.Cpus.CountBy(cpu => cpu.Use).ToDictionary();
        var cpus = string.Join(
            " · ",
            new[]
            {
                (CpuUse.Vm, "dedicated"),
                (CpuUse.SharedPool, "shared"),
                (CpuUse.OtherExclusive, "exclusive, no VM"),
                (CpuUse.Beside, "with emulators"),
                (CpuUse.Undedicated, "for other VMs"),
                (CpuUse.Free, "free"),
                (CpuUse.Offline, "offline"),
            }
                .Where(use => uses.ContainsKey(use.Item1))
                .Select(use => $"{uses[use.Item1]} {use.Item2}")
        );
        IEnumerable<Html> figures =
        [
            Figure(
                "Dedicated VMs",
                $"{dedicated.Count(vm => vm.State == VmState.Pinned)} of {dedicated.Count} pinned",
                others == 0 ? "" : $"{others} not dedicated"
            ),
            Figure("CPUs", $"{status.Topology.Cpus.Count} online", cpus),
            Figure(
                "Mode",
                status.Mode == AgentMode.Audit ? "audit" : "enforce",
                status.Mode == AgentMode.Audit ? "nothing is changed" : "masks are set and kept"
            ),
            Figure(
                "CPU manager",
                Word(status.CpuManager.State),
                status.CpuManager.SharedPool is { } pool
                    ? $"shared pool {(pool.IsEmpty ? "empty" : pool.ToString())}"
                    : ""
            ),
            Figure("Repairs", $"{status.Drift.Repairs}", "since the agent started"),
            .. status.Cluster is { } cluster
                ?
                [
                    Figure(
                        "API server",
                        Word(cluster.State),
                        cluster.Since is { } since ? Html.Of($"since {Time(since)}") : Html.None
                    ),
                ]
                : (Html[])[],
            .. status.Capacity is { } capacity
                ?
                [
                    Figure(
                        "Capacity",
                        $"{capacity.Fits} more {(capacity.Fits == 1 ? "VM" : "VMs")}",
                        $"of {capacity.Vcpus} vCPUs fit; {capacity.FreeCpus} whole {(capacity.FreeCpus == 1 ? "CPU is" : "CPUs are")} free"
                    ),
                ]
                : (Html[])[],
        ];
        return Html.Of(
            $"""
            <dl class="figures">
            {Html.Lines(figures)}
            </dl>
            """
        );
    }

    /// <summary>The section with the evidence.</summary>
    public static Html Section(NodeStatus status)
    {
        var topology = status.Topology;
        IEnumerable<Html> rows =
        [
            Row(
                "CPU manager",
                List([Word(status.CpuManager.State), .. status.CpuManager.Evidence])
            ),
            .. status.Labels.Select(label =>
                Row(
                    label.Key,
                    Html.Of(
                        $"<p>{(label.Value.Actual is { } value ? $"is {value}" : "isn't set")}{(label.Value.Wanted is { } wanted ? $", should be {wanted}" : "")}{(label.Value.Owner is { } owner ? $", set by {owner}" : "")}: {label.Value.Message}</p>"
                    )
                )
            ),
            Row("Online CPUs", Html.Of($"<p>{topology.Online.ToString()}</p>")),
            .. CpuList("Offline CPUs", topology.Offline),
            .. CpuList("Isolated from the scheduler", topology.Isolated),
            .. CpuList("Without a tick (nohz_full)", topology.NohzFull),
        ];
        return Html.Of(
            $"""
            <section class="node" aria-labelledby="node">
            <h2 id="node">Node</h2>
            <dl class="details">
            {Html.Lines(rows)}
            </dl>
            </section>
            """
        );
    }

    /// <summary>A list of sentences under a heading; nothing if there are none.</summary>
    public static Html Sentences(
        string heading,
        string look,
        IReadOnlyCollection<string> sentences
    ) =>
        sentences.Count == 0
            ? Html.None
            : Html.Of(
                $"""
                <section class="sentences {look}"><h2>{heading}</h2>
                {List(sentences)}
                </section>
                """
            );

    private static IEnumerable<Html> CpuList(string name, CpuSet cpus) =>
        cpus.IsEmpty ? [] : [Row(name, Html.Of($"<p>{cpus.ToString()}</p>"))];

    private static Html Figure(string name, string value, string note) =>
        Figure(name, value, Html.Of($"{note}"));

    private static Html Figure(string name, string value, Html note) =>
        Html.Of($"""<div><dt>{name}</dt><dd><b>{value}</b> <span>{note}</span></dd></div>""");

    private static Html Row(string name, Html value) =>
        Html.Of($"<div><dt>{name}</dt><dd>{value}</dd></div>");

    /// <summary>A list of sentences.</summary>
    public static Html List(IEnumerable<string> sentences) =>
        Html.Of($"<ul>{Html.Lines(sentences.Select(text => Html.Of($"<li>{text}</li>")))}</ul>");

    private static string Word(CpuManagerState state) =>
        state switch
        {
            CpuManagerState.Static => "static",
            CpuManagerState.None => "none",
            _ => "unknown",
        };

    private static string Word(SyncState state) =>
        state switch
        {
            SyncState.Synced => "in sync",
            SyncState.Stale => "out of reach",
            SyncState.NeverSynced => "not told everything yet",
            _ => "connecting",
        };
}
