using CliWrap;
using CliWrap.Buffered;
using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Hostile;

/// <summary>What all attacks have in common: the compiled programs, the cgroup around everybody, and the table of figures.</summary>
public sealed class HostileLane : IAsyncLifetime
{
    // The pods' share of a node with two CPUs, against the system's own.
    private const int PodsShares = 2048;

    private readonly TemporaryFolder _programs = new();
    private readonly List<Figures> _figures = [];
    private ControlGroup? _group;

    internal string Programs => _programs.Path;

    public async ValueTask InitializeAsync()
    {
        // What is missing here, each test says of itself.
        if (!CanRun)
        {
            return;
        }

        _group = new ControlGroup("") { CpuShares = PodsShares };
        File.SetUnixFileMode(Programs, (UnixFileMode)0b111_101_101);
        foreach (var program in (string[])["crowd", "churn", "clients", "pit"])
        {
            var source = Paths.InRepository(
                $"tests/PinAgent.HostTests/Hostile/programs/{program}.c"
            );
            var result = await Cli.Wrap("gcc")
                .WithArguments([
                    "-std=gnu17",
                    "-Wall",
                    "-Wextra",
                    "-Werror",
                    "-O2",
                    "-pthread",
                    "-o",
                    $"{Programs}/{program}",
                    source,
                ])
                .WithValidation(CommandResultValidation.None)
                .ExecuteBufferedAsync();
            Assert.True(result.ExitCode == 0, result.StandardError);
        }
    }

    public ValueTask DisposeAsync()
    {
        _group?.Dispose();
        _programs.Dispose();
        if (_figures.Count > 0)
        {
            Console.WriteLine(
                string.Join('\n', _figures.Select(figures => $"{figures}").Prepend(Figures.Header))
            );
        }

        return ValueTask.CompletedTask;
    }

    /// <summary>Skips the test where the machine lacks something.</summary>
    internal static void Require()
    {
        Requires.Events(cpus: 2);
        Requires.Program("gcc");
        Requires.Program("setpriv");
        Requires.Program("unshare");
        Assert.SkipUnless(
            ControlGroup.IsAvailable,
            "needs cgroup v1's hierarchies cpu, cpuacct and memory"
        );
        Assert.SkipUnless(
            Environment.GetEnvironmentVariable("PINAGENT_BIN") is not null,
            "needs the native program, which is what ships: tests/lanes/hostile-tenants.sh builds it"
        );
    }

    /// <summary>
    /// Measures an attack, and fails where the agent is beyond a bound. A time or a share of a CPU that is, as a machine may be
    /// busy with others, is measured once more, and only what is missed twice in a row counts; an agent that ended, that took too
    /// much memory or that touched a stranger's thread isn't asked again.
    /// </summary>
    internal async Task HoldsAsync(
        string attack,
        Func<Scene, Task> begin,
        int drifts,
        ManifestLimits limits
    )
    {
        Require();
        var figures = await MeasureAsync(attack);
        if (figures is { Missed.Count: > 0, IsCertain: false })
        {
            figures = await MeasureAsync($"{attack}, again");
        }

        Assert.True(figures.Missed.Count == 0, $"{Figures.Header}\n{figures}");

        async Task<Figures> MeasureAsync(string name)
        {
            var measured = await Attack.MeasureAsync(name, Programs, begin, drifts, limits);
            _figures.Add(measured);
            return measured;
        }
    }

    private static bool CanRun =>
        Environment.IsPrivilegedProcess && ControlGroup.IsAvailable && Requires.Has("gcc");
}
