using CliWrap;
using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Faults;

/// <summary>strace(1), which makes system calls of a running program fail; the program goes on without it when it's disposed.</summary>
internal sealed class Strace : IAsyncDisposable
{
    private readonly CancellationTokenSource _detach = new();
    private readonly TemporaryFolder _folder;
    private readonly CommandTask<CommandResult> _run;

    private Strace(int pid, string calls, string injection, TaskCompletionSource attached)
    {
        _folder = new TemporaryFolder();
        _run = Cli.Wrap("strace")
            .WithArguments([
                "-f",
                "-o",
                Log,
                "-e",
                $"trace={calls}",
                "-e",
                injection,
                "-p",
                $"{pid}",
            ])
            .WithStandardErrorPipe(
                PipeTarget.ToDelegate(line =>
                {
                    if (line.Contains("attached", StringComparison.Ordinal))
                    {
                        attached.TrySetResult();
                    }
                })
            )
            .WithValidation(CommandResultValidation.None)
            .ExecuteAsync(CancellationToken.None, _detach.Token);
        _ = _run.Task.ContinueWith(
            run =>
                attached.TrySetException(
                    new InvalidOperationException($"strace ended with {run.Result.ExitCode}")
                ),
            TaskScheduler.Default
        );
    }

    private string Log => $"{_folder.Path}/log";

    /// <summary>Attaches, and waits until it is.</summary>
    /// <param name="pid">The program's process.</param>
    /// <param name="calls">What fails.</param>
    /// <param name="way">How it does.</param>
    /// <param name="first">Of each thread's calls, which is the first to fail; counted from one.</param>
    /// <param name="step">And from then on each so manieth.</param>
    public static async Task<Strace> AttachAsync(
        int pid,
        string calls,
        string way,
        int first,
        int step
    )
    {
        var attached = new TaskCompletionSource();
        var strace = new Strace(pid, calls, $"inject={calls}:{way}:when={first}+{step}", attached);
        await attached.Task.WaitAsync(Patience.HungWait, TestContext.Current.CancellationToken);
        return strace;
    }

    /// <summary>Lets the program go on undisturbed.</summary>
    /// <returns>How many calls have failed.</returns>
    public async Task<int> DetachAsync()
    {
        await _detach.CancelAsync();
        try
        {
            await _run;
        }
        catch (OperationCanceledException)
        {
            // As asked.
        }

        return File.ReadLines(Log)
            .Count(line =>
                line.Contains("(INJECTED)", StringComparison.Ordinal)
                || line.Contains("(DELAYED)", StringComparison.Ordinal)
            );
    }

    public async ValueTask DisposeAsync()
    {
        await DetachAsync();
        _run.Dispose();
        _detach.Dispose();
        _folder.Dispose();
    }
}
