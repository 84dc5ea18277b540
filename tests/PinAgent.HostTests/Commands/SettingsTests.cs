using CliWrap;
using CliWrap.Buffered;
using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Commands;

/// <summary>The agent's settings: in the environment, and in a file that is edited while it runs.</summary>
public sealed class SettingsTests : IDisposable
{
    private const int Timeout = Patience.Hang;

    private readonly string _folder = Directory.CreateTempSubdirectory("settings-").FullName;

    private string File => $"{_folder}/config.yaml";

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact(Timeout = Timeout)]
    public async Task Mistakes_of_options_environment_and_file_are_told_together_a_line_each()
    {
        await WriteAsync("interval: never\n");

        var result = await Cli.Wrap("env")
            .WithArguments([
                "PINAGENT_LABELS=some",
                $"PINAGENT_CONFIG={File}",
                Paths.Agent,
                "run",
                "--mode",
                "loud",
            ])
            .WithValidation(CommandResultValidation.None)
            .ExecuteBufferedAsync(TestContext.Current.CancellationToken);

        Assert.Equal(2, result.ExitCode);
        Assert.Equal(
            [
                "pinagent: --mode: expected enforce|audit, found \"loud\"",
                $"pinagent: {File}: interval: expected 0.01 to 3600 seconds, found \"never\"",
                "pinagent: PINAGENT_LABELS: expected auto|manage|observe, found \"some\"",
            ],
            result.StandardError.TrimEnd().Split('\n')
        );
    }

    [Fact(Timeout = Timeout)]
    public async Task An_edit_from_audit_to_enforce_pins_and_back_again_leaves_the_pins()
    {
        Requires.RealGuests(cpus: 2);
        await WriteAsync("mode: audit\n");
        var name = $"default_test-{Guid.NewGuid():N}";
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        await using var guest = await Guest.StartAsync(name, "1", cpuset);
        await using var agent = new AgentLoop("--vm", name, "--config", File);
        await agent.WaitForLogAsync("AuditMode");
        var vcpu = (await guest.Monitor.VcpuThreadsAsync())[0];
        Assert.Equal("0-1", guest.Masks()[vcpu]);

        await WriteAsync("mode: enforce\n");
        await agent.WaitForLogAsync("Mode enforce from now on");
        await agent.WaitForLogAsync("pinned within CPUs 0-1");
        Assert.Equal("0", guest.Masks()[vcpu]);

        await WriteAsync("mode: audit\n");
        await agent.WaitForLogAsync("Mode audit, nothing is changed from now on");
        Assert.Equal("0", guest.Masks()[vcpu]);
    }

    // As editors and the kubelet do: never half a file.
    private async Task WriteAsync(string text)
    {
        await System.IO.File.WriteAllTextAsync($"{File}.new", text);
        System.IO.File.Move($"{File}.new", File, overwrite: true);
    }
}
