using PinAgent.Apply;
using PinAgent.Model.Vm;
using PinAgent.Report.Map;
using PinAgent.Report.Status;
using PinAgent.Report.Waits;

namespace PinAgent.Report.Page;

/// <summary>A VM: how it stands, why, and its threads.</summary>
internal static class VmHtml
{
    /// <summary>The VM's place in the list.</summary>
    /// <param name="tag">What stands for it on the map; null if it isn't there.</param>
    /// <param name="waits">The last ten minutes.</param>
    /// <param name="happened">What happened to it.</param>
    public static Html Render(VmStatus vm, VmTag? tag, WaitPicture waits, Html happened)
    {
        var letters = tag is null
            ? Html.None
            : Html.Of($"""<span class="tag c{tag.Colour}">{tag.Letters}</span> """);
        var traced = tag is null
            ? Html.None
            : Html.Of($""" data-vm="{tag.Letters}" tabindex="-1" """);
        return Html.Of(
            $"""
            <li class="vm {Look(vm)}{(IsSlow(vm) ? " slow" : "")}" id="vm-{vm.Pid}"{traced}>
            <div class="head"><h3>{letters}<bdi>{vm.Namespace}/{vm.Name}</bdi></h3><p class="state"><span aria-hidden="true">{Sign(
                vm
            )}</span> {(Verdict.IsAudited(vm) ? "Would be pinned" : vm.State.ToString())}{(IsSlow(vm) ? ", slow" : "")}</p></div>
            {Why(vm)}
            <p class="facts">{Facts(vm)}</p>
            {Waits(vm, waits)}
            {Slow(vm)}
            {Advisories(vm)}
            {happened}
            <details id="threads-{vm.Pid}"><summary>{vm.Threads.Length} {(
                vm.Threads.Length == 1 ? "thread" : "threads"
            )}</summary>
            <p class="facts">{Origin(vm)}</p>
            {ThreadHtml.Table(vm, waits)}
            </details>
            </li>
            """
        );
    }

    private static Html Why(VmStatus vm)
    {
        // One sentence for all is at the top.
        if (vm.Reason is not { } reason || Verdict.IsAudited(vm))
        {
            return Html.None;
        }

        // Nobody waits for advice on a VM that didn't ask.
        var action =
            vm.Action is { } todo && vm.State != VmState.NotDedicated
                ? Html.Of($"""<p class="action"><b>What to do</b> {todo}</p>""")
                : Html.None;
        return Html.Of($"""<p class="why"><b>{reason.ToString()}</b> {vm.Message}</p>{action}""");
    }

    private static Html Waits(VmStatus vm, WaitPicture waits) =>
        WaitWords.Worst(vm) is { Wait: { } wait } worst
            ? Html.Of(
                $"""<p class="facts waits{(vm.Dedicated ? $" s{WaitWords.Level(wait.Minute)}" : "")}">{Sparkline.Of(waits.Worst(vm), vm.Dedicated)} <span>waited up to {(wait.Minute is > 0 and < 0.001 ? WaitWords.AtMost(wait.Minute) : WaitWords.Percent(wait.Minute))} of the last minute (vCPU {worst.Index ?? 0}{Place(worst)})</span></p>"""
            )
            : Html.None;

    // It's found on a map of a thousand.
    private static Html Place(ThreadStatus thread) =>
        Disturbance.CpuOf(thread) is { } cpu
            ? Html.Of($""", <a href="#cpu-{cpu}">CPU {cpu}</a>""")
            : Html.None;

    private static bool IsSlow(VmStatus vm) => vm.Slow is { Until: null };

    private static Html Slow(VmStatus vm) =>
        vm.Slow is not { } slow
            ? Html.None
            : Html.Of(
                $"""<p class="spell"><b>{(slow.Until is null ? "Slow since" : "Was slow")}</b> {NodeHtml.Time(slow.From)}{(slow.Until is { } until ? Html.Of($" to {NodeHtml.Time(until)}") : Html.None)}: {slow.What}</p>"""
            );

    private static string Facts(VmStatus vm)
    {
        var guest = vm.Guest;
        var vcpus = guest.Sockets * guest.Cores * guest.Threads;
        IEnumerable<string> facts =
        [
            $"{vcpus} {(vcpus == 1 ? "vCPU" : "vCPUs")} ({guest.Sockets}×{guest.Cores}×{guest.Threads})",
            vm.Cpuset is { } cpuset
                ? $"CPUs {CpuSourceText.Describe($"{cpuset}", vm.CpusetSource)}"
                : "CPUs unknown",
            .. Verdict.IsAudited(vm)
                ?
                [
                    $"{vm.Threads.Count(thread => thread.Outcome == Outcome.Planned)} of {vm.Threads.Length} threads would be moved",
                ]
                : (string[])[],
            .. vm.Dedicated && Emulator(vm) is { } emulator ? [emulator] : (string[])[],
        ];
        return string.Join(" · ", facts);
    }

    private static string? Emulator(VmStatus vm)
    {
        var cpus = vm.Threads.FirstOrDefault(thread => thread.Role == ThreadRole.Emulator)?.Wanted;
        return (vm.Guest.IsolateEmulatorThread, cpus) switch
        {
            (_, null) => null,
            (true, _) => $"emulator on {cpus}",
            _ => $"emulator shares {cpus}",
        };
    }

    private static string Origin(VmStatus vm)
    {
        var source = vm.Source switch
        {
            FactSource.Api => "what it asks for is known from the API server",
            FactSource.Remembered => "what it asks for was told by the API server before",
            FactSource.File => "what it asks for is read from a file",
            _ => "what it asks for is inferred from the node",
        };
        return $"pid {vm.Pid}{(vm.PodUid is { } pod ? $" · pod {pod}" : "")} · {source}";
    }

    private static Html Advisories(VmStatus vm) =>
        vm.Advisories.IsEmpty
            ? Html.None
            : Html.Of(
                $"""
                <ul class="advice" aria-label="Advisories">
                {Html.Lines(vm.Advisories.Select(text => Html.Of($"<li>{text}</li>")))}
                </ul>
                """
            );

    private static string Look(VmStatus vm) =>
        vm.State switch
        {
            VmState.Pinned => "fine",
            _ when Verdict.IsAudited(vm) => "quiet",
            VmState.NotDedicated => "quiet",
            VmState.Waiting => "attention",
            _ => "problem",
        };

    private static string Sign(VmStatus vm) =>
        vm.State switch
        {
            VmState.Pinned => IsSlow(vm) ? "!" : "✓",
            VmState.NotDedicated => "–",
            VmState.Waiting => "…",
            VmState.PartlyPinned => "!",
            _ => "✕",
        };
}
