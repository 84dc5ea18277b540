using PinAgent.NativeInterop;

namespace PinAgent.Observe.Events;

/// <summary>Has the loop look for changes when a CPU goes offline or comes back.</summary>
internal sealed class CpuHotplugWatch(PassRequests requests) : KernelListener("CPU hotplug")
{
    private CpuUevents? _uevents;

    /// <inheritdoc/>
    protected override bool Open()
    {
        _ = CpuUevents.TryOpen(out _uevents);
        return _uevents is not null;
    }

    /// <inheritdoc/>
    protected override Errno HandOn()
    {
        var errno = _uevents!.Next().Errno;
        if (errno is not (Errno.None or Errno.ENOBUFS))
        {
            return errno;
        }

        requests.LookForChanges();
        return Errno.None;
    }

    /// <inheritdoc/>
    protected override void Interrupt() => _uevents?.Stop();

    /// <inheritdoc/>
    protected override void Close() => _uevents?.Dispose();
}
