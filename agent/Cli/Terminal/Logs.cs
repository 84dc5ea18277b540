using System.Globalization;
using Serilog;
using Serilog.Events;
using Serilog.Filters;
using Serilog.Formatting.Compact;

namespace PinAgent.Cli.Terminal;

/// <summary>How the agent logs: lines for people, or compact JSON where a cluster collects them.</summary>
internal static class Logs
{
    public static void Configure(LoggerConfiguration configuration)
    {
        // The host's own lines say what ours say better, or print the stack of an exception that becomes one line.
        configuration.Filter.ByExcluding(Matching.FromSource("Microsoft"));
        if (Environment.GetEnvironmentVariable("KUBERNETES_SERVICE_HOST") is null)
        {
            configuration.WriteTo.Console(
                outputTemplate: "{Timestamp:HH:mm:ss.fff} {Level:u4} {Message:lj}{NewLine}{Exception}",
                formatProvider: CultureInfo.InvariantCulture,
                standardErrorFromLevel: LogEventLevel.Verbose
            );
        }
        else
        {
            configuration.WriteTo.Console(
                new RenderedCompactJsonFormatter(),
                standardErrorFromLevel: LogEventLevel.Verbose
            );
        }
    }
}
