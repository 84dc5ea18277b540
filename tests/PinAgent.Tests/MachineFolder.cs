using System.Diagnostics;
using System.Formats.Tar;
using System.IO.Compression;
using System.Text.Json.Nodes;
using Xunit;

namespace PinAgent.Tests;

/// <summary>A machine as files, unpacked from <c>tests/fixtures/cases/hostroots</c>, and an agent that looks at it.</summary>
internal sealed class MachineFolder : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("pinagent-").FullName;
    private readonly string _name;

    private MachineFolder(string name) => _name = name;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>Unpacks one.</summary>
    public static async Task<MachineFolder> UnpackAsync(string name)
    {
        var machine = new MachineFolder(name);
        await using var archive = new GZipStream(
            File.OpenRead(Fixtures.PathOf($"cases/hostroots/{name}.tar.gz")),
            CompressionMode.Decompress
        );
        await TarFile.ExtractToDirectoryAsync(archive, machine._folder, overwriteFiles: true, Stop);
        return machine;
    }

    /// <summary>Runs <c>pinagent run --standalone --once</c> there.</summary>
    /// <returns>The status.</returns>
    public async Task<JsonNode> RunAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo(
            Path.Combine(AppContext.BaseDirectory, "pinagent"),
            [
                .. (string[])["run", "--standalone", "--once", "--output", "json"],
                .. (string[])["--host-root", Path.Combine(_folder, _name)],
                .. (string[])["--state-dir", Path.Combine(_folder, "state")],
                .. arguments,
            ]
        )
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync(Stop);
        var output = await process.StandardOutput.ReadToEndAsync(Stop);
        await process.WaitForExitAsync(Stop);
        Assert.True(output.Length > 0, await errors);
        return JsonNode.Parse(output)!;
    }

    /// <summary>Where the vCPUs of a VM belong: <c>4 12 5 13</c>.</summary>
    public static string Vcpus(JsonNode status, string vm) =>
        string.Join(
            ' ',
            Vm(status, vm)["threads"]!
                .AsArray()
                .Where(thread => (string)thread!["role"]! == "vcpu")
                .Select(thread => (string?)thread!["wanted"] ?? "-")
        );

    /// <summary>One VM of a status.</summary>
    public static JsonNode Vm(JsonNode status, string name) =>
        status["vms"]!.AsArray().Single(vm => (string)vm!["name"]! == name)!;

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
