using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using PinAgent.Model.Text;
using Serilog;
using Serilog.Configuration;
using Serilog.Core;
using Serilog.Events;
using Serilog.Filters;
using Serilog.Formatting;
using Serilog.Formatting.Compact;
using Serilog.Formatting.Display;
using Serilog.Sinks.Async;

namespace PinAgent.Cli.Terminal;

/// <summary>
/// The agent's log: lines for people, or compact JSON where a cluster collects them. A thread of its own writes it, so that
/// whoever reads it and stops, as a container's runtime or a journal that hangs, holds up nothing else.
/// </summary>
internal sealed class LogOutput : IAsyncLogEventSinkMonitor, IAsyncDisposable
{
    // What comes when so many wait isn't written: half a megabyte of them.
    private const int MostWaiting = 1000;

    // Who has read until now needs no longer for the rest.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly Logger _logger;
    private IAsyncLogEventSinkInspector? _waiting;

    /// <summary>Opens it.</summary>
    public LogOutput()
    {
        // The host's own lines say what ours say better, or print the stack of an exception that becomes one line.
        _logger = new LoggerConfiguration()
            .Filter.ByExcluding(Matching.FromSource("Microsoft"))
            .WriteTo.Async(Configure, MostWaiting, blockWhenFull: false, monitor: this)
            .CreateLogger();
    }

    /// <summary>How many lines weren't written, as nobody read.</summary>
    public long Dropped => _waiting?.DroppedMessagesCount ?? 0;

    /// <summary>Lets a host's services log.</summary>
    public void AddTo(IServiceCollection services) => services.AddSerilog(_logger);

    /// <inheritdoc/>
    public void StartMonitoring(IAsyncLogEventSinkInspector inspector) => _waiting = inspector;

    /// <inheritdoc/>
    public void StopMonitoring(IAsyncLogEventSinkInspector inspector)
    {
        // The last count stays.
    }

    /// <summary>Waits until it's written, though not for somebody who doesn't read.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await Task.Run(_logger.Dispose).WaitAsync(Patience);
        }
        catch (TimeoutException)
        {
            // The process ends, and with it the thread that waits.
        }
    }

    private static void Configure(LoggerSinkConfiguration sink)
    {
        if (Environment.GetEnvironmentVariable("KUBERNETES_SERVICE_HOST") is null)
        {
            sink.Console(
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
            sink.Console(
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
