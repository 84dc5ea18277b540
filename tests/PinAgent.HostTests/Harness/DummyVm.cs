using System.IO.Pipelines;
using CliWrap;
using Xunit;

namespace PinAgent.HostTests.Harness;

/// <summary>A program that poses as a QEMU: see tests/PinAgent.DummyVm.</summary>
internal sealed class DummyVm : IAsyncDisposable
{
    private readonly Pipe _input = new();
    private readonly CommandTask<CommandResult> _run;

    private DummyVm(
        Cpuset cpuset,
        string[] arguments,
        string threads,
        TaskCompletionSource ready
    ) =>
        _run = Cli.Wrap("/bin/sh")
            .WithArguments([
                "-c",
                $"echo $$ > {cpuset.Folder}/cgroup.procs && exec \"$@\"",
                "sh",
                Paths.DummyVm,
                .. arguments,
                "--threads",
                threads,
            ])
            .WithStandardInputPipe(PipeSource.FromStream(_input.Reader.AsStream()))
            .WithStandardOutputPipe(PipeTarget.ToDelegate(_ => ready.TrySetResult()))
            .ExecuteAsync();

    public int Pid => _run.ProcessId;

    public static async Task<DummyVm> StartAsync(Cpuset cpuset, string[] arguments, string threads)
    {
        var ready = new TaskCompletionSource();
        var program = new DummyVm(cpuset, arguments, threads, ready);
        await ready.Task.WaitAsync(TestContext.Current.CancellationToken);
        return program;
    }

    public async ValueTask DisposeAsync()
    {
        await _input.Writer.CompleteAsync();
        await _run;
        _run.Dispose();
    }
}
