using Microsoft.Extensions.Hosting;
using PinAgent.Model;
using PinAgent.NativeInterop;

namespace PinAgent.Observe.Events;

/// <summary>
/// Tells the loop of each vCPU and I/O thread as it gets its name, so that a VM is pinned before its manager lets it run.
/// Where the kernel doesn't tell, the loop's period alone finds it, and the status says so.
/// </summary>
/// <param name="requests">The loop.</param>
public sealed class ThreadNameWatch(PassRequests requests) : IHostedService, IDisposable
{
    private ProcessConnector? _connector;
    private Thread? _listener;
    private EventSource _source = new(EventSourceState.Scanning, "not started yet");
    private long _overflows;

    /// <summary>Whether the kernel tells.</summary>
    public EventSource Source =>
        Volatile.Read(ref _source) with
        {
            Overflows = Interlocked.Read(ref _overflows),
        };

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        var opened = ProcessConnector.TryOpen(out _connector);
        if (_connector is null)
        {
            var why = Why(opened.Errno);
            Volatile.Write(ref _source, new(EventSourceState.Scanning, why));
            return Task.CompletedTask;
        }

        Volatile.Write(ref _source, new(EventSourceState.Listening, null));
        _listener = new Thread(Listen) { Name = "thread names", IsBackground = true };
        _listener.Start(_connector);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken)
    {
        _connector?.Stop();
        _listener?.Join();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public void Dispose() => _connector?.Dispose();

    // The listener hands on and does nothing else; it must not wait behind the new threads that it tells of.
    private void Listen(object? argument)
    {
        var connector = (ProcessConnector)argument!;
        _ = SchedPriority.Raise();
        while (true)
        {
            var result = connector.Next(out var named);
            switch (result.Errno)
            {
                case Errno.None:
                    requests.LookAt(named);
                    break;
                case Errno.ENOBUFS:
                    Interlocked.Increment(ref _overflows);
                    requests.LookAtEverything();
                    break;
                case Errno.ECANCELED:
                    return;
                default:
                    var why = $"the kernel's process connector failed: {result.Errno.Describe()}";
                    Volatile.Write(ref _source, new(EventSourceState.Scanning, why));
                    requests.LookAtEverything();
                    return;
            }
        }
    }

    private static string Why(Errno errno) =>
        errno switch
        {
            Errno.EPERM or Errno.EACCES =>
                "the kernel doesn't tell of new threads without CAP_NET_ADMIN",
            Errno.ECONNREFUSED =>
                "the kernel tells of new threads in the host's network namespace only (hostNetwork: true)",
            Errno.EPROTONOSUPPORT =>
                "this kernel was built without the process connector (CONFIG_PROC_EVENTS)",
            _ => $"the kernel's process connector can't be had: {errno.Describe()}",
        };
}
