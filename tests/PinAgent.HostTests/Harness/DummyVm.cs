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
        int moreKilobytes,
        TaskCompletionSource ready
    ) =>
        _run = Cli.Wrap("/bin/sh")
            .WithArguments([
                "-c",
                // A command line's room is a quarter of the stack's, and each argument has at most 128 KiB.
                $"echo $$ > {cpuset.Folder}/cgroup.procs && ulimit -s 65536 && exec \"$@\" "
                    + $"$(for i in $(seq {moreKilobytes / 100}); do head -c 102400 /dev/zero | tr '\\0' x; echo; done)",
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

    /// <summary>Starts it.</summary>
    /// <param name="cpuset">The cgroup to start it in.</param>
    /// <param name="arguments">What it poses with.</param>
    /// <param name="threads">Its threads' names.</param>
    /// <param name="moreKilobytes">How much its command line has beyond that, in hundreds.</param>
    public static async Task<DummyVm> StartAsync(
        Cpuset cpuset,
        string[] arguments,
        string threads,
        int moreKilobytes = 0
    )
    {
        var ready = new TaskCompletionSource();
        var program = new DummyVm(cpuset, arguments, threads, moreKilobytes, ready);
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
