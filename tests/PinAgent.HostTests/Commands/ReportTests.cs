using System.Formats.Tar;
using System.IO.Compression;
using System.Text.Json.Nodes;
using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Commands;

/// <summary><c>pinagent report</c> and <c>doctor</c> on a real machine with a real guest.</summary>
public sealed class ReportTests : IDisposable
{
    private const int Timeout = Patience.Hang;
    private readonly string _name = $"default_test-{Guid.NewGuid():N}";
    private readonly string _folder = Directory.CreateTempSubdirectory("pinagent-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact(Timeout = Timeout)]
    public async Task A_guest_in_a_bundle_gets_the_plan_that_it_gets_on_its_machine()
    {
        Requires.RealGuests(cpus: 2);
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        await using var guest = await Guest.StartAsync(_name, "1", cpuset, ioThreads: 1);
        var bundle = $"{_folder}/report.tar.gz";

        var made = await Agent.RunAsync("report", "--output", bundle);

        Assert.True(made.ExitCode == 0, made.StandardError);
        Assert.Equal(bundle, made.StandardOutput.Trim());
        var unpacked = Directory.CreateDirectory($"{_folder}/unpacked").FullName;
        await using (var file = File.OpenRead(bundle))
        await using (var gzip = new GZipStream(file, CompressionMode.Decompress))
        {
            await TarFile.ExtractToDirectoryAsync(
                gzip,
                unpacked,
                overwriteFiles: false,
                TestContext.Current.CancellationToken
            );
        }

        var before = (await Agent.RunOnceAsync("--vm", _name, "--mode", "audit")).Vm(guest);
        var replayed = await Agent.RunOnceAsync("--vm", _name, "--host-root", unpacked);
        var after = replayed.Vm(guest);

        Assert.Equal("audit", (string?)replayed.Json["mode"]);
        Assert.Equal(before.Threads.Select(Plan), after.Threads.Select(Plan));
        Assert.Equal(
            (before.State, before.Reason, before.FullName),
            (after.State, after.Reason, after.FullName)
        );
        var request = new JsonObject
        {
            ["topology"] = JsonNode.Parse(await ReadAsync($"{unpacked}/topology.json")),
            ["cpuset"] = "0-1",
            ["guest"] = new JsonObject { ["cores"] = 1, ["isolateEmulatorThread"] = true },
        };
        await File.WriteAllTextAsync(
            $"{_folder}/request.json",
            request.ToJsonString(),
            TestContext.Current.CancellationToken
        );
        var plan = await Agent.RunAsync("plan", "-f", $"{_folder}/request.json");
        Assert.Contains("\"vcpus\":[\"0\"],\"emulator\":\"1\"", plan.StandardOutput);
        Assert.IsType<JsonArray>(JsonNode.Parse(await ReadAsync($"{unpacked}/changes.json")));
        var manifest = JsonNode.Parse(await ReadAsync($"{unpacked}/manifest.json"))!;
        Assert.Equal(1, (int)manifest["layoutVersion"]!);
        Assert.DoesNotContain(
            "qmp.sock",
            await ReadAsync($"{unpacked}/proc/{guest.Pid}/cmdline"),
            StringComparison.Ordinal
        );
    }

    [Fact(Timeout = Timeout)]
    public async Task A_bundle_that_cant_be_written_is_told_and_not_a_crash()
    {
        var made = await Agent.RunAsync("report", "--output", "/dev/full");

        Assert.Equal(3, made.ExitCode);
        Assert.Contains("no space left on the disk", made.StandardError, StringComparison.Ordinal);
    }

    [Fact(Timeout = Timeout)]
    public async Task The_doctor_asks_the_running_agent()
    {
        Requires.RealGuests(cpus: 2);
        await using var agent = new AgentLoop();
        await agent.WaitForLogAsync("looking every");

        var result = await Agent.RunAsync("doctor", "--socket", agent.Socket, "-o", "json");

        var check = JsonNode.Parse(result.StandardOutput)!["findings"]!
            .AsArray()
            .Single(finding => (string)finding!["check"]! == "running agent")!;
        Assert.Equal("ok", (string?)check["level"]);
        Assert.Contains("it makes its passes", (string?)check["found"], StringComparison.Ordinal);
    }

    // How long a thread has waited goes on.
    private static string Plan(JsonNode thread)
    {
        thread.AsObject().Remove("runDelayNanoseconds");
        thread.AsObject().Remove("wait");
        return thread.ToJsonString();
    }

    private static Task<string> ReadAsync(string path) =>
        File.ReadAllTextAsync(path, TestContext.Current.CancellationToken);
}
