using CliWrap;
using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Hostile;

/// <summary>
/// The attackers: real programs of a user without rights, each in a PID namespace of its own, as in a pod, and all of them
/// with a fifth of a CPU. Their programs are in <c>programs</c>.
/// </summary>
internal sealed class Tenants : IDisposable
{
    // No files and no processes of anybody are this user's.
    private static readonly string User =
        Environment.GetEnvironmentVariable("PINAGENT_TEST_TENANT") ?? "65534";

    private readonly ControlGroup _group = new("tenants") { CpuLimit = 0.2, CpuShares = 204 };
    private readonly Cpuset _cpuset = new($"/{ControlGroup.Lane}/tenants", Neighbour.OtherCpus);
    private readonly string _programs;

    /// <param name="programs">Where the compiled programs are.</param>
    public Tenants(string programs) => _programs = programs;

    /// <summary>Their processes.</summary>
    public IReadOnlyList<int> Pids => _group.Pids;

    /// <summary>Starts a program and waits until it says that it's ready.</summary>
    /// <param name="program">Its name.</param>
    /// <param name="settings">Its settings, NAME=VALUE.</param>
    public async Task StartAsync(string program, params string[] settings)
    {
        var ready = new TaskCompletionSource();
        var run = Cli.Wrap("/bin/sh")
            .WithArguments([
                "-c",
                $"{_group.Join} && echo $$ > {_cpuset.Folder}/cgroup.procs && exec \"$@\"",
                "sh",
                "unshare",
                "--pid",
                "--fork",
                "setpriv",
                $"--reuid={User}",
                $"--regid={User}",
                "--clear-groups",
                "env",
                .. settings,
                $"{_programs}/{program}",
            ])
            .WithValidation(CommandResultValidation.None)
            .WithStandardOutputPipe(PipeTarget.ToDelegate(_ => ready.TrySetResult()))
            .WithStandardErrorPipe(
                PipeTarget.ToDelegate(line =>
                    ready.TrySetException(new InvalidOperationException($"{program}: {line}"))
                )
            )
            .ExecuteAsync();
        await Task.WhenAny(ready.Task, run.Task).WaitAsync(TestContext.Current.CancellationToken);
        Assert.True(ready.Task.IsCompleted, $"{program} ended before it was ready");
        await ready.Task;
    }

    /// <summary>Masks of threads that the agent has set, though nobody has asked for it: a few of each process are looked at.</summary>
    public IReadOnlyList<string> Touched()
    {
        const int Processes = 20;
        const int Threads = 50;
        var all = File.ReadAllText($"{_cpuset.Folder}/cpuset.effective_cpus").Trim();
        return
        [
            .. _group
                .Pids.Take(Processes)
                .SelectMany(pid => MasksOf(pid, Threads))
                .Where(mask => mask != all)
                .Distinct(),
        ];
    }

    public void Dispose()
    {
        _group.Dispose();
        _cpuset.Dispose();
    }

    // Processes that end while they're looked at are no loss.
    private static List<string> MasksOf(int pid, int threads)
    {
        try
        {
            return
            [
                .. Directory
                    .EnumerateDirectories($"/proc/{pid}/task")
                    .Take(threads)
                    .Select(folder => Threads.Mask(folder)),
            ];
        }
        catch (IOException)
        {
            return [];
        }
    }
}
