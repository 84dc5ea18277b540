using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Pinning;

/// <summary>Two agents on one state folder: one of them pins.</summary>
public sealed class SecondAgentTests : IDisposable
{
    private const int Timeout = Patience.Hang;

    // A guest of this name doesn't run; nothing is pinned here.
    private readonly string _name = $"default_test-{Guid.NewGuid():N}";
    private readonly TemporaryFolder _state = new();

    public void Dispose() => _state.Dispose();

    [Fact(Timeout = Timeout)]
    public async Task The_second_refuses_and_names_the_first_until_that_one_was_killed()
    {
        await using var first = new AgentLoop("--vm", _name, "--state-dir", _state.Path);
        await first.WaitForLogAsync("mode enforce");

        var second = await StartAsync("--mode", "enforce");
        Assert.Equal((3, ""), (second.ExitCode, second.StandardOutput));
        var line = Assert.Single(second.StandardError.TrimEnd().Split('\n'));
        Assert.StartsWith($"pinagent: another agent (pid {first.Pid}, since ", line);
        Assert.Contains($"pins by the state folder {_state.Path}: stop that one", line);

        // Beside it: a single pass, and one that reports.
        _ = await Agent.RunOnceAsync("--vm", _name, "--state-dir", _state.Path);
        await using (
            var audit = new AgentLoop("--vm", _name, "--state-dir", _state.Path, "--mode", "audit")
        )
        {
            await audit.WaitForLogAsync("mode audit");
        }

        await first.StopAsync("KILL");
        await using var next = new AgentLoop("--vm", _name, "--state-dir", _state.Path);
        await next.WaitForLogAsync("mode enforce");
    }

    [Fact(Timeout = Timeout)]
    public async Task One_that_is_told_to_enforce_later_does_so_once_the_other_has_ended()
    {
        var config = $"{_state.Path}/config.yaml";
        await WriteAsync(config, "mode: audit\n");
        await using var first = new AgentLoop("--vm", _name, "--state-dir", _state.Path);
        await first.WaitForLogAsync("mode enforce");
        await using var second = new AgentLoop(
            "--vm",
            _name,
            "--state-dir",
            _state.Path,
            "--config",
            config
        );
        await second.WaitForLogAsync("mode audit");

        await WriteAsync(config, "mode: enforce\n");
        var line = await second.WaitForLogAsync("audit only until it ends");
        Assert.Contains($"another agent (pid {first.Pid}, ", line);

        await first.StopAsync("TERM");
        await second.WaitForLogAsync("Mode enforce from now on");
    }

    // By its name the emulator is isolated, having a CPU of its own; by this VMI it isn't.
    [Fact(Timeout = Timeout)]
    public async Task One_with_another_state_folder_that_wants_the_same_VM_elsewhere_is_named()
    {
        Requires.RealGuests(cpus: 2);
        using var vmi = new VmiFile(
            $$$"""
            kind: VirtualMachineInstance
            metadata: {name: {{{_name["default_".Length..]}}}, namespace: default}
            spec:
              domain:
                cpu: {dedicatedCpuPlacement: true, cores: 1}
            """
        );
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        await using var guest = await Guest.StartAsync(_name, "1", cpuset);
        await using var first = new AgentLoop("--vm", _name);
        await first.WaitForLogAsync("pinned within CPUs 0-1");
        await using var second = new AgentLoop("--vm", _name, "--vmi", vmi.Path);

        // One of them gives way first, and then there's nothing for the other to see. Other tests' agents may be named, too.
        var told = await await Task.WhenAny(NamesAsync(first), NamesAsync(second));
        Assert.Contains("if it is the one that sets these masks, stop it", told[1]);

        static Task<string[]> NamesAsync(AgentLoop agent) =>
            agent.WaitForLogsAsync("AnotherWriter", "another pinagent runs here (pid ");
    }

    private Task<CliWrap.Buffered.BufferedCommandResult> StartAsync(params string[] arguments) =>
        Agent.RunAsync([
            "run",
            "--standalone",
            "--vm",
            _name,
            "--tcp",
            "off",
            "--socket",
            $"{_state.Path}/second.sock",
            "--state-dir",
            _state.Path,
            .. arguments,
        ]);

    private static async Task WriteAsync(string file, string text)
    {
        await File.WriteAllTextAsync($"{file}.new", text);
        File.Move($"{file}.new", file, overwrite: true);
    }
}
