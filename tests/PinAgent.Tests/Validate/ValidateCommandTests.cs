using System.Diagnostics;
using Xunit;

namespace PinAgent.Tests.Validate;

public sealed class ValidateCommandTests
{
    private const string Valid =
        "kind: VirtualMachineInstance\nmetadata: {name: good, namespace: ns}\n"
        + "spec: {domain: {cpu: {dedicatedCpuPlacement: true, sockets: 2}, memory: {guest: 1Gi}}}\n";

    private const string Invalid =
        "kind: VirtualMachine\nmetadata: {name: bad}\n"
        + "spec: {template: {spec: {domain: {cpu: {cores: 2, isolateEmulatorThread: true}}}}}\n";

    private const string Other = "kind: Pod\nmetadata: {name: other}\n";

    private const string Typed =
        "kind: VirtualMachine\nmetadata: {name: typed}\n"
        + "spec: {instancetype: {name: u1.small}, template: {spec: {domain: {}}}}\n";

    [Fact]
    public async Task All_valid_is_0()
    {
        var run = await RunAsync(Valid, "validate", "-f", "-");

        Assert.Equal(0, run.ExitCode);
        Assert.Equal(
            "document 1, VirtualMachineInstance ns/good: valid, dedicated CPUs: 2 (2 for vCPUs)\n1 valid\n",
            run.Output
        );
        Assert.Empty(run.Errors);
    }

    [Fact]
    public async Task One_invalid_among_others_is_1_and_all_are_listed()
    {
        var run = await RunAsync(
            string.Join("---\n", Valid, Invalid, Other, Typed),
            "validate",
            "-f",
            "-"
        );

        Assert.Equal(1, run.ExitCode);
        Assert.Equal(
            """
            document 1, VirtualMachineInstance ns/good: valid, dedicated CPUs: 2 (2 for vCPUs)
            document 2, VirtualMachine bad: invalid, no dedicated CPUs
              spec.template.spec.domain.cpu.isolateEmulatorThread: isolateEmulatorThread needs dedicatedCpuPlacement: true beside it (FieldValueInvalid)
            document 3, Pod other: skipped
            document 4, VirtualMachine typed: unknown
              warning: spec.instancetype brings CPUs and memory from another object, so whether the rules hold is unknown: put it, and the preference, into the same file, or check the VirtualMachineInstance that the cluster makes of it
            1 valid, 1 invalid, 1 unknown, 1 skipped

            """,
            run.Output
        );
    }

    [Fact]
    public async Task The_JSON_is_what_other_programs_were_promised()
    {
        var run = await RunAsync(
            string.Join("---\n", Invalid, Other, Typed),
            "validate",
            "-f",
            "-",
            "-o",
            "json"
        );

        Assert.Equal(1, run.ExitCode);
        Assert.Equal(
            """
            [
              {
                "document": 1,
                "name": "bad",
                "valid": false,
                "causes": [
                  {
                    "field": "spec.template.spec.domain.cpu.isolateEmulatorThread",
                    "reason": "FieldValueInvalid",
                    "message": "isolateEmulatorThread needs dedicatedCpuPlacement: true beside it"
                  }
                ],
                "warnings": [],
                "kind": "VirtualMachine",
                "namespace": null,
                "skipped": false,
                "dedicated": {
                  "cpus": 0,
                  "vcpus": 0,
                  "ioThreads": 0,
                  "emulator": 0
                }
              },
              {
                "document": 2,
                "name": "other",
                "valid": null,
                "causes": [],
                "warnings": [],
                "kind": "Pod",
                "namespace": null,
                "skipped": true,
                "dedicated": null
              },
              {
                "document": 3,
                "name": "typed",
                "valid": null,
                "causes": [],
                "warnings": [
                  "spec.instancetype brings CPUs and memory from another object, so whether the rules hold is unknown: put it, and the preference, into the same file, or check the VirtualMachineInstance that the cluster makes of it"
                ],
                "kind": "VirtualMachine",
                "namespace": null,
                "skipped": false,
                "dedicated": null
              }
            ]

            """,
            run.Output
        );
    }

    [Theory]
    [InlineData("", 2, "expected -f FILE", "validate")]
    [InlineData("", 2, "expected text|json", "validate", "-f", "-", "-o", "xml")]
    [InlineData("a: [b", 3, "standard input: expected YAML or JSON: line", "validate", "-f", "-")]
    [InlineData("", 3, "standard input: expected Kubernetes objects", "validate", "-f", "-")]
    [InlineData("", 3, "/nowhere/vm.yaml", "validate", "-f", "/nowhere/vm.yaml")]
    [InlineData("", 3, "/: expected a file, found a folder", "validate", "-f", "/")]
    public async Task What_can_not_be_done_is_said_in_one_line(
        string input,
        int exitCode,
        string message,
        params string[] arguments
    )
    {
        var run = await RunAsync(input, arguments);

        Assert.Equal(exitCode, run.ExitCode);
        Assert.Empty(run.Output);
        Assert.StartsWith("pinagent: ", run.Errors);
        Assert.Contains(message, run.Errors);
        Assert.Equal(1, run.Errors.Count(letter => letter == '\n'));
    }

    [Fact]
    public async Task The_help_has_an_example()
    {
        var run = await RunAsync("", "validate", "--help");

        Assert.Equal(0, run.ExitCode);
        Assert.Contains("pinagent validate -f vm.yaml", run.Output);
    }

    private static async Task<(int ExitCode, string Output, string Errors)> RunAsync(
        string input,
        params string[] arguments
    )
    {
        var start = new ProcessStartInfo(
            Path.Combine(AppContext.BaseDirectory, "pinagent"),
            arguments
        )
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        try
        {
            await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended without reading.
        }

        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, await output, await errors);
    }
}
