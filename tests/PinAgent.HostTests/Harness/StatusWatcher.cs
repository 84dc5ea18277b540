using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using CliWrap;
using Xunit;

namespace PinAgent.HostTests.Harness;

/// <summary><c>pinagent status --watch -o json</c>, a line for every change.</summary>
internal sealed class StatusWatcher : IAsyncDisposable
{
    private readonly CancellationTokenSource _kill = new();
    private readonly Channel<string> _lines = Channel.CreateUnbounded<string>();
    private readonly CommandTask<CommandResult> _run;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>Begins to watch an agent that answers.</summary>
    public StatusWatcher(string socket)
    {
        var errors = new StringBuilder();
        _run = Cli.Wrap(Paths.Agent)
            .WithArguments(["status", "--watch", "-o", "json", "--socket", socket])
            .WithValidation(CommandResultValidation.None)
            .WithStandardOutputPipe(PipeTarget.ToDelegate(line => _lines.Writer.TryWrite(line)))
            .WithStandardErrorPipe(PipeTarget.ToStringBuilder(errors))
            .ExecuteAsync(_kill.Token);
        _ = _run.Task.ContinueWith(
            _ =>
                _lines.Writer.TryComplete(
                    new InvalidOperationException($"The watch has ended: {errors}")
                ),
            TaskScheduler.Default
        );
    }

    /// <summary>Waits for a status of which this holds.</summary>
    public async Task WaitAsync(Func<Status, bool> holds)
    {
        while (!holds(new Status(JsonNode.Parse(await _lines.Reader.ReadAsync(Stop))!))) { }
    }

    public async Task<int> ExitCodeAsync() => (await _run.Task.WaitAsync(Stop)).ExitCode;

    public async ValueTask DisposeAsync()
    {
        await _kill.CancelAsync();
        await _run.Task.ContinueWith(_ => { }, TaskScheduler.Default);
        _kill.Dispose();
        _run.Dispose();
    }
}
