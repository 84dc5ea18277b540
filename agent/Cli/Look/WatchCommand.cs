using PinAgent.Cli.Ask;
using PinAgent.Cli.Options;
using PinAgent.Cli.Terminal;
using PinAgent.Model.Text;
using PinAgent.Model.Vm;
using PinAgent.Report.Status;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace PinAgent.Cli.Look;

/// <summary><c>pinagent status --watch</c>: the picture as it is now, or a line for each change.</summary>
internal static class WatchCommand
{
    /// <summary>Watches until it's stopped, or the agent ends.</summary>
    public static async Task<int> RunAsync(
        StatusClient client,
        StatusForm form,
        CancellationToken stop
    )
    {
        if (form.Format == OutputFormat.Json)
        {
            await foreach (var status in client.WatchAsync(stop))
            {
                StatusForm.Print(form, status, isWatching: true);
            }

            return ExitCode.Fine;
        }

        using var screen = Screen.Open();
        return screen is null
            ? await TellAsync(client, form, stop)
            : await RedrawAsync(client, form, screen, stop);
    }

    // Each line says by itself what happened, when, and to whom: it's for a log, and for grep.
    private static async Task<int> TellAsync(
        StatusClient client,
        StatusForm form,
        CancellationToken stop
    )
    {
        NodeStatus? last = null;
        await foreach (var status in client.WatchAsync(stop))
        {
            foreach (
                var sentence in last is null
                    ? Beginning(form, status)
                    : StatusChanges.Between(last, status, form.Watches)
            )
            {
                var now = TimeProvider.System.GetLocalNow();
                Output.Line($"{Times.Of(now, "yyyy-MM-dd HH:mm:ss.fff")}  {sentence}");
            }

            last = status;
        }

        return ExitCode.Fine;
    }

    private static IEnumerable<string> Beginning(StatusForm form, NodeStatus status)
    {
        yield return string.Concat(
            StatusLines.VerdictOf(status).Pieces().Select(piece => piece.Text)
        );
        foreach (var vm in Pains.Sort(status).Where(form.Watches))
        {
            yield return StatusChanges.Found(vm);
        }
    }

    private static async Task<int> RedrawAsync(
        StatusClient client,
        StatusForm form,
        Screen screen,
        CancellationToken stop
    )
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(stop);
        await using var statuses = client.WatchAsync(end.Token).GetAsyncEnumerator(end.Token);
        var next = statuses.MoveNextAsync().AsTask();
        var key = screen.KeyAsync(Timeout.InfiniteTimeSpan, end.Token);
        NodeStatus? status = null;
        var at = TimeProvider.System.GetLocalNow();
        try
        {
            while (true)
            {
                if (await Task.WhenAny(next, key) == next)
                {
                    await next;
                    (status, at) = (statuses.Current, TimeProvider.System.GetLocalNow());
                    next = statuses.MoveNextAsync().AsTask();
                }
                else if ((await key)?.KeyChar is 'q' or 'Q')
                {
                    return ExitCode.Fine;
                }
                else
                {
                    key = screen.KeyAsync(Timeout.InfiniteTimeSpan, end.Token);
                }

                if (status is not null)
                {
                    screen.Draw(
                        Picture(form, status),
                        $" since {at:HH:mm:ss}   q quit   {status.Node} "
                    );
                }
            }
        }
        finally
        {
            // Nobody waits for these any more, and the enumerator mustn't be left while it moves.
            await end.CancelAsync();
            await ((Task)next).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await ((Task)key).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static IRenderable Picture(StatusForm form, NodeStatus status)
    {
        if (form.Vm is null)
        {
            return form.Picture(status, Screen.Width);
        }

        var vms = VmNameMatch.Find(form.Vm, status.Vms, vm => (vm.Namespace, vm.Name, vm.Pid));
        return vms.Count == 0
            ? new Flow($"no VM {Words.Shown(form.Vm)} runs on node {status.Node}")
            : new Rows(vms.Select(vm => VmExplanation.Render(status, vm)));
    }
}
