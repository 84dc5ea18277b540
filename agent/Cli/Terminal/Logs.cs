using System.Globalization;
using PinAgent.Model.Text;
using Serilog;
using Serilog.Events;
using Serilog.Filters;
using Serilog.Formatting;
using Serilog.Formatting.Compact;
using Serilog.Formatting.Display;

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
                new PrintedLog(
                    new MessageTemplateTextFormatter(
                        "{Timestamp:HH:mm:ss.fff} {Level:u4} {Message:lj}{NewLine}{Exception}",
                        CultureInfo.InvariantCulture
                    )
                ),
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

    // Tenants' names are in many lines, and a log is read in a terminal.
    private sealed class PrintedLog(ITextFormatter inner) : ITextFormatter
    {
        public void Format(LogEvent logEvent, TextWriter output)
        {
            using var text = new StringWriter(CultureInfo.InvariantCulture);
            inner.Format(logEvent, text);
            foreach (var line in text.ToString().TrimEnd().Split('\n'))
            {
                output.WriteLine(Words.Printable(line));
            }
        }
    }
}
