using System.Diagnostics;
using Xunit;

namespace PinAgent.Tests.Report.Metrics;

/// <summary>Prometheus' own checker. The fast tests do without it where it isn't there.</summary>
internal static class Promtool
{
    /// <summary>Runs it, and expects it to be content.</summary>
    /// <param name="input">What it reads.</param>
    /// <param name="arguments">What it does.</param>
    public static async Task CheckAsync(string input, params string[] arguments)
    {
        var path = Environment.GetEnvironmentVariable("PROMTOOL") ?? "/usr/bin/promtool";
        Assert.SkipUnless(
            File.Exists(path),
            "needs promtool (Debian's prometheus, or its path in PROMTOOL); tests/run.sh has one"
        );
        using var process = Process.Start(
            new ProcessStartInfo(path, arguments)
            {
                UseShellExecute = false,
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            }
        )!;
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var errors = await process.StandardError.ReadToEndAsync(
            TestContext.Current.CancellationToken
        );
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, $"promtool: {errors}{await output}");
        Assert.Empty(errors);
    }
}
