using Tmds.Linux;
using static Tmds.Linux.LibC;

namespace PinAgent.NativeInterop;

/// <summary>
/// A descriptor of the kernel's on which one thread waits for what comes, until another ends the wait. Owns both.
/// </summary>
internal sealed class EventDescriptor : IDisposable
{
    private readonly int _fd;
    private readonly int _wake;

    private EventDescriptor(int fd, int wake) => (_fd, _wake) = (fd, wake);

    /// <summary>The descriptor.</summary>
    public int Fd => _fd;

    /// <summary>Takes over a non-blocking descriptor, and closes it if that fails.</summary>
    public static LinuxResult TryCreate(int fd, out EventDescriptor? descriptor)
    {
        var wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (wake < 0)
        {
            var failure = LinuxResult.FromReturnValue(wake);
            _ = close(fd);
            descriptor = null;
            return failure;
        }

        descriptor = new EventDescriptor(fd, wake);
        return LinuxResult.Success;
    }

    /// <summary>The same for a descriptor that somebody else has and closes.</summary>
    public static LinuxResult TryCopy(int fd, out EventDescriptor? descriptor)
    {
        descriptor = null;
        var copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        return copy < 0 ? LinuxResult.FromReturnValue(copy) : TryCreate(copy, out descriptor);
    }

    /// <summary>Waits until there is something, and leaves it there.</summary>
    /// <param name="longest">How long to wait; null for ever. A signal may make it longer.</param>
    /// <returns>
    /// <see cref="Errno.ECANCELED"/> after <see cref="Stop"/>, <see cref="Errno.ETIMEDOUT"/> where there is nothing for so long.
    /// </returns>
    public unsafe LinuxResult Wait(TimeSpan? longest = null)
    {
        var timeout = Milliseconds(longest);
        var fds = stackalloc pollfd[2];
        fds[0] = new pollfd { fd = _fd, events = POLLIN };
        fds[1] = new pollfd { fd = _wake, events = POLLIN };
        int ready;
        do
        {
            ready = poll(fds, 2, timeout);
        } while (ready < 0 && LinuxResult.FromReturnValue(ready).Errno == Errno.EINTR);

        return ready < 0 ? LinuxResult.FromReturnValue(ready)
            : fds[1].revents != 0 ? new LinuxResult(Errno.ECANCELED)
            : ready == 0 ? new LinuxResult(Errno.ETIMEDOUT)
            : LinuxResult.Success;
    }

    /// <summary>Waits until there is something, and reads it.</summary>
    /// <param name="length">The bytes received.</param>
    /// <param name="longest">How long to wait; null for ever. A signal may make it longer.</param>
    /// <returns>
    /// The error of read(2); <see cref="Errno.ECANCELED"/> after <see cref="Stop"/>, <see cref="Errno.ETIMEDOUT"/> where there
    /// is nothing for so long.
    /// </returns>
    public unsafe LinuxResult Read(Span<byte> buffer, out int length, TimeSpan? longest = null)
    {
        var timeout = Milliseconds(longest);
        length = 0;
        var fds = stackalloc pollfd[2];
        fds[0] = new pollfd { fd = _fd, events = POLLIN };
        fds[1] = new pollfd { fd = _wake, events = POLLIN };
        while (true)
        {
            long received = poll(fds, 2, timeout);
            if (received >= 0 && fds[1].revents != 0)
            {
                return new LinuxResult(Errno.ECANCELED);
            }

            if (received == 0)
            {
                return new LinuxResult(Errno.ETIMEDOUT);
            }

            if (received >= 0)
            {
                fixed (byte* start = buffer)
                {
                    received = (long)read(_fd, start, buffer.Length);
                }
            }

            if (received >= 0)
            {
                length = (int)received;
                return LinuxResult.Success;
            }

            var failure = LinuxResult.FromReturnValue(received);
            if (failure.Errno is not (Errno.EINTR or Errno.EAGAIN))
            {
                return failure;
            }
        }
    }

    /// <summary>Reads nothing for a while, whatever comes.</summary>
    /// <returns><see cref="Errno.ECANCELED"/> after <see cref="Stop"/>; else <see cref="Errno.None"/>.</returns>
    public unsafe LinuxResult Pause(TimeSpan length)
    {
        var wake = new pollfd { fd = _wake, events = POLLIN };
        return poll(&wake, 1, Milliseconds(length)) > 0
            ? new LinuxResult(Errno.ECANCELED)
            : LinuxResult.Success;
    }

    /// <summary>Ends the wait in <see cref="Read"/>, from another thread.</summary>
    public unsafe void Stop()
    {
        var one = 1UL;
        _ = write(_wake, &one, sizeof(ulong));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _ = close(_fd);
        _ = close(_wake);
    }

    // Upwards, for what is to be waited for hasn't come a moment before.
    private static int Milliseconds(TimeSpan? longest) =>
        longest is { } time
            ? (int)Math.Clamp(Math.Ceiling(time.TotalMilliseconds), 0, int.MaxValue)
            : -1;
}
