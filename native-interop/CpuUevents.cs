using static Tmds.Linux.LibC;

namespace PinAgent.NativeInterop;

/// <summary>
/// Tells of CPUs that go offline or come back. The kernel announces all devices so, as udev listens to it; each network
/// namespace of the machine hears it, and nobody needs a right for it.
/// </summary>
/// <remarks>Source: <c>lib/kobject_uevent.c</c> of the kernel: <c>offline@/devices/system/cpu/cpu3</c>, then the variables.</remarks>
public sealed class CpuUevents : IDisposable
{
    private const int NetlinkKobjectUevent = 15;
    private const uint KernelGroup = 1;

    private readonly EventDescriptor _events;
    private readonly byte[] _message = new byte[4096];

    private CpuUevents(EventDescriptor events) => _events = events;

    /// <summary>Begins to listen.</summary>
    /// <param name="uevents">What listens; null if that failed.</param>
    public static LinuxResult TryOpen(out CpuUevents? uevents)
    {
        uevents = null;
        var fd = socket(
            AF_NETLINK,
            SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
            NetlinkKobjectUevent
        );
        if (fd < 0)
        {
            return LinuxResult.FromReturnValue(fd);
        }

        var result = NetlinkAddress.Bind(fd, KernelGroup);
        if (!result.IsSuccess)
        {
            _ = close(fd);
            return result;
        }

        result = EventDescriptor.TryCreate(fd, out var events);
        uevents = events is null ? null : new CpuUevents(events);
        return result;
    }

    /// <summary>Waits until a CPU goes offline or comes back.</summary>
    /// <returns>
    /// <see cref="Errno.ENOBUFS"/> when announcements were lost; <see cref="Errno.ECANCELED"/> after <see cref="Stop"/>.
    /// </returns>
    public LinuxResult Next()
    {
        while (true)
        {
            var result = _events.Read(_message, out var length);
            if (!result.IsSuccess || IsOfCpu(_message.AsSpan(0, length)))
            {
                return result;
            }
        }
    }

    /// <summary>Ends the wait in <see cref="Next"/>, from another thread.</summary>
    public void Stop() => _events.Stop();

    /// <inheritdoc/>
    public void Dispose() => _events.Dispose();

    /// <summary>Whether a message says that a CPU goes offline or comes back.</summary>
    internal static bool IsOfCpu(ReadOnlySpan<byte> message) =>
        message.StartsWith("offline@/devices/system/cpu/cpu"u8)
        || message.StartsWith("online@/devices/system/cpu/cpu"u8);
}
