using System.Diagnostics;
using PinAgent.HostTests.Harness;
using PinAgent.NativeInterop.Bpf;
using Xunit;

namespace PinAgent.HostTests.Bpf;

/// <summary>What is in the kernel after a process that had loaded programs was killed.</summary>
[Trait("also", "node")]
public sealed class LeftBehindTests
{
    private const string Ready = "attached and waiting";
    private const string Hook = "PINAGENT_TEST_HOOK";

    [Theory(Timeout = Patience.Hang)]
    [InlineData(MaskHook.Probe)]
    [InlineData(MaskHook.Syscalls)]
    public async Task Nothing_stays_loaded_after_kill_9(MaskHook hook)
    {
        BpfLane.Open(hook).Dispose();
        using var holder = Process.Start(
            new ProcessStartInfo(
                Environment.ProcessPath!,
                ["-noColor", "-explicit", "only", "-method", $"*{nameof(Waits_to_be_killed)}"]
            )
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                UseShellExecute = false,
                Environment = { [Hook] = $"{hook}" },
            }
        )!;
        while (
            await holder.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken)
                is { } line
            && !line.Contains(Ready, StringComparison.Ordinal)
        ) { }

        var programs = ProgramsOf(holder.Id);
        Assert.InRange(programs.Length, 3, 100);
        Assert.All(programs, program => Assert.True(IsLoaded(program)));

        holder.Kill();
        await holder.WaitForExitAsync(TestContext.Current.CancellationToken);

        // They go after a grace period of the kernel's; the test's time is up if they don't.
        while (programs.Any(IsLoaded))
        {
            await Task.Yield();
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
        }
    }

    [Fact(Explicit = true)]
    public void Waits_to_be_killed()
    {
        using var lane = BpfLane.Open(
            Enum.Parse<MaskHook>(Environment.GetEnvironmentVariable(Hook)!)
        );
        Console.WriteLine(Ready);
        Console.In.ReadLine();
    }

    private static uint[] ProgramsOf(int pid) =>
        [
            .. Directory
                .EnumerateFiles($"/proc/{pid}/fdinfo")
                .SelectMany(File.ReadLines)
                .Where(line => line.StartsWith("prog_id:", StringComparison.Ordinal))
                .Select(line => uint.Parse(line["prog_id:".Length..].Trim(), null))
                .Distinct(),
        ];

    private static bool IsLoaded(uint program) =>
        BpfCalls.NextProgram(program - 1, out var next).IsSuccess && next == program;
}
