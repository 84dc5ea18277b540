using PinAgent.Model.Node;
using PinAgent.NativeInterop;

namespace PinAgent.Observe.Events;

/// <summary>
/// Tells the loop of each vCPU and I/O thread as it gets its name, so that a VM is pinned before its manager lets it run.
/// Where the kernel doesn't tell, the loop's period alone finds it, and the status says so.
/// </summary>
/// <param name="requests">The loop.</param>
internal sealed class ThreadNameWatch(PassRequests requests) : KernelListener("thread names")
{
    private ProcessConnector? _connector;
    private EventSource _source = new(EventSourceState.Scanning, "not started yet");
    private long _overflows;

    /// <summary>Whether the kernel tells.</summary>
    public EventSource Source =>
        Volatile.Read(ref _source) with
        {
            Overflows = Interlocked.Read(ref _overflows),
        };

    /// <inheritdoc/>
    protected override bool Open()
    {
        var opened = ProcessConnector.TryOpen(out _connector);
        Volatile.Write(
            ref _source,
            _connector is null
                ? new(EventSourceState.Scanning, Why(opened.Errno))
                : new(EventSourceState.Listening, null)
        );
        return _connector is not null;
    }

    /// <inheritdoc/>
    protected override Errno HandOn()
    {
        var errno = _connector!.Next(out var named).Errno;
        switch (errno)
        {
            case Errno.None:
                requests.LookAt(named);
                return errno;
            case Errno.ENOBUFS:
                Interlocked.Increment(ref _overflows);
                requests.LookAtEverything();
                return Errno.None;
            default:
                return errno;
        }
    }

    /// <inheritdoc/>
    protected override void Lost(Errno errno)
    {
        var why = $"the kernel's process connector failed: {errno.Describe()}";
        Volatile.Write(ref _source, new(EventSourceState.Scanning, why));
        requests.LookAtEverything();
    }

    /// <inheritdoc/>
    protected override void Interrupt() => _connector?.Stop();

    /// <inheritdoc/>
    protected override void Close() => _connector?.Dispose();

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
