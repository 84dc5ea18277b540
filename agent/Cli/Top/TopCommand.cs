using System.Collections.Immutable;
using System.CommandLine;
using PinAgent.Cli.Ask;
using PinAgent.Cli.Look;
using PinAgent.Cli.Options;
using PinAgent.Cli.Settings;
using PinAgent.Cli.Terminal;
using PinAgent.Observe.Files;
using PinAgent.Report.Status;

namespace PinAgent.Cli.Top;

/// <summary><c>pinagent top</c>: which vCPUs wait for their CPUs right now, and because of whom.</summary>
internal static class TopCommand
{
    private static readonly Option<string?> Match = new("--match")
    {
        Description = "Only VMs with this in their namespace/name, in capitals or not.",
        HelpName = "TEXT",
    };

    private static readonly Setting<TopOrder> Sort = CommonOptions.Choice(
        "--sort",
        "What stands first.",
        [
            ("pain", TopOrder.Pain),
            ("vm", TopOrder.Vm),
            ("cpu", TopOrder.Cpu),
            ("moves", TopOrder.Moves),
        ]
    );

    private static readonly Setting<TimeSpan> Interval = CommonOptions.Seconds(
        "--every",
        "How long each measurement takes, and the picture stays; at least 1.",
        "2"
    );

    private static readonly Setting<OutputFormat> Format = CommonOptions.Output("table");

    public static Command Create()
    {
        var command = new DetailedCommand(
            "top",
            "Show which vCPUs of dedicated VMs wait for their CPUs right now, and because of whom, the worst first.",
            """
            WAIT % is the share of the last moments in which the vCPU could have run and something else ran on its CPU. Under
            KVM that is what the guest itself sees as stolen time.
            STEAL % is the share of its CPU that this machine's own host took from it, by /proc/stat: only where this machine is
            a virtual one and was ever denied a CPU. It isn't in WAIT %.
            MOVED is how often it changed its CPU meanwhile, by /proc/PID/task/TID/sched: only where the kernel counts that
            (CONFIG_SCHED_DEBUG), and for the first 512 vCPUs. One that is pinned to one CPU moves only when it's put there.
            In a pipe, and with -o json, it's one picture, of one measurement.
            Keys: q quits, s sorts by another column (p, v, c, m: by pain, VM, CPU, moves), / filters by name and Esc shows all
            again, arrows and pages scroll.
            Exits with 0, 2 for a wrong call, 3 if no agent answers.
            """,
            "pinagent top --match prod/"
        )
        {
            Match,
        };
        command.Add(Sort);
        command.Add(Interval);
        command.Add(Format);
        command.Add(EndpointOptions.Socket);
        command.SetAction(
            (parsed, stop) =>
                Asking.RunAsync(parsed, client => RunAsync(parsed, client, stop), stop)
        );
        return command;
    }

    private static async Task<int> RunAsync(
        ParseResult parsed,
        StatusClient client,
        CancellationToken stop
    )
    {
        var state = new TopState(
            Sort.Get(parsed),
            VmFilter.All with
            {
                Text = parsed.GetValue(Match) ?? "",
            }
        );
        var interval = Interval.Get(parsed);
        // Sooner the agent would answer with what it has read before.
        interval = interval > RunDelays.Pace ? interval : RunDelays.Pace;
        using var files = new HostFiles(CommonOptions.HostRoot.Get(parsed));
        var sampler = new Sampler(client, files);
        await sampler.NextAsync(stop);
        var format = Format.Get(parsed);
        using var screen = format == OutputFormat.Json ? null : Screen.Open();
        return screen is null
            ? await OnceAsync(sampler, state, interval, format, stop)
            : await LiveAsync(sampler, state, interval, screen, stop);
    }

    private static async Task<int> OnceAsync(
        Sampler sampler,
        TopState state,
        TimeSpan interval,
        OutputFormat format,
        CancellationToken stop
    )
    {
        await Task.Delay(interval, stop);
        await sampler.NextAsync(stop);
        var rows = sampler.Rows(state);
        Output.Print(
            format,
            () => TopLines.Render(sampler.Status, rows, sampler.Waits, Output.PictureWidth),
            () => TopStatus.Json(sampler.Status, rows, sampler.Waits.Seconds)
        );
        return ExitCode.Fine;
    }

    private static async Task<int> LiveAsync(
        Sampler sampler,
        TopState state,
        TimeSpan interval,
        Screen screen,
        CancellationToken stop
    )
    {
        while (!state.IsDone)
        {
            var rows = sampler.Rows(state);
            state = state.Within(rows.Length);
            screen.Draw(
                TopLines.Render(sampler.Status, rows, sampler.Waits, Screen.Width, state.First),
                state.Footer
            );
            var rest = interval - sampler.Age;
            if (rest <= TimeSpan.Zero)
            {
                await sampler.NextAsync(stop);
            }
            else if (await screen.KeyAsync(rest, stop) is { } key)
            {
                // Above the rows are the verdict, the sum and the columns' names, and below them the keys'.
                state = state.After(key, rows.Length, Screen.Height - 5);
            }
        }

        return ExitCode.Fine;
    }

    private sealed class Sampler(StatusClient client, HostFiles files)
    {
        private NodeStatus? _status;
        private KernelCounts _before = KernelCounts.None;
        private KernelCounts _after = KernelCounts.None;
        private long _at;

        public NodeStatus Status =>
            _status ?? throw new InvalidOperationException("nothing is asked yet");

        public WaitRates Waits { get; private set; } = WaitRates.None;

        public TimeSpan Age => TimeProvider.System.GetElapsedTime(_at);

        public ImmutableArray<TopRow> Rows(TopState state) =>
            TopRows.Of(Status, Waits, state.Filter, state.Order, _before, _after);

        public async Task NextAsync(CancellationToken stop)
        {
            var next = await client.GetAsync(stop);
            (_before, _after) = (_after, KernelCounts.Read(files, next));
            var now = TimeProvider.System.GetTimestamp();
            if (_status is not null)
            {
                Waits = WaitRates.Between(
                    _status,
                    next,
                    TimeProvider.System.GetElapsedTime(_at, now)
                );
            }

            (_status, _at) = (next, now);
        }
    }
}
