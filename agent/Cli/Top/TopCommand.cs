using System.CommandLine;
using PinAgent.Cli.Ask;
using PinAgent.Cli.Look;
using PinAgent.Cli.Options;
using PinAgent.Cli.Settings;
using PinAgent.Cli.Terminal;
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
        [("pain", TopOrder.Pain), ("vm", TopOrder.Vm), ("cpu", TopOrder.Cpu)]
    );

    private static readonly Setting<TimeSpan> Interval = CommonOptions.Seconds(
        "--every",
        "How long each measurement takes, and the picture stays; at least 1.",
        "2"
    );

    public static Command Create()
    {
        var command = new DetailedCommand(
            "top",
            "Show which vCPUs of dedicated VMs wait for their CPUs right now, and because of whom, the worst first.",
            """
            WAIT % is the share of the last moments in which the vCPU could have run and something else ran on its CPU.
            In a pipe it's one picture, of one measurement.
            Keys: q quits, s sorts by another column (p, v, c: by pain, VM, CPU), / filters by name and Esc shows all again,
            arrows and pages scroll.
            Exits with 0, 2 for a wrong call, 3 if no agent answers.
            """,
            "pinagent top --match prod/"
        )
        {
            Match,
        };
        command.Add(Sort);
        command.Add(Interval);
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
        var sampler = new Sampler(client);
        await sampler.NextAsync(stop);
        using var screen = Screen.Open();
        return screen is null
            ? await OnceAsync(sampler, state, interval, stop)
            : await LiveAsync(sampler, state, interval, screen, stop);
    }

    private static async Task<int> OnceAsync(
        Sampler sampler,
        TopState state,
        TimeSpan interval,
        CancellationToken stop
    )
    {
        await Task.Delay(interval, stop);
        await sampler.NextAsync(stop);
        var rows = TopRows.Of(sampler.Status, sampler.Waits, state.Filter, state.Order);
        Output.Print(
            OutputFormat.Text,
            () => TopLines.Render(sampler.Status, rows, sampler.Waits, Output.PictureWidth),
            () => ""
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
            var rows = TopRows.Of(sampler.Status, sampler.Waits, state.Filter, state.Order);
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

    private sealed class Sampler(StatusClient client)
    {
        private NodeStatus? _status;
        private long _at;

        public NodeStatus Status =>
            _status ?? throw new InvalidOperationException("nothing is asked yet");

        public WaitRates Waits { get; private set; } = WaitRates.None;

        public TimeSpan Age => TimeProvider.System.GetElapsedTime(_at);

        public async Task NextAsync(CancellationToken stop)
        {
            var next = await client.GetAsync(stop);
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
