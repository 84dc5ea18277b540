using System.Collections.Immutable;
using PinAgent.Model.Node;
using PinAgent.NativeInterop;

namespace PinAgent.Observe.Events;

/// <summary>
/// Tells the loop of each vCPU and I/O thread as it gets its name, so that a VM is pinned before its manager lets it run.
/// Where the kernel doesn't tell, the loop's period alone finds it, and the status says so.
/// </summary>
/// <param name="pin">Pins a thread at once if it can; null where nobody does.</param>
/// <param name="programs">Knows a QEMU that begins; null where none is looked for before its threads have names.</param>
internal sealed class ThreadNameWatch(
    PassRequests requests,
    PinAtOnce? pin = null,
    BegunPrograms? programs = null
) : KernelListener("thread names")
{
    /// <summary>How often a crowd is listened to.</summary>
    public static readonly TimeSpan CrowdPeriod = TimeSpan.FromSeconds(1);

    // Of a crowd, at a time: about as many as the kernel keeps.
    private const int MostOfCrowd = 8192;

    private ProcessConnector? _connector;
    private EventSource _source = new(EventSourceState.Scanning, "not started yet");
    private long _overflows;
    private ImmutableArray<int> _muted = [];
    private bool _cannotMute;
    private bool _hearsPrograms;
    private int _heard;

    /// <summary>Whether the kernel tells, and whom it doesn't tell of.</summary>
    public EventSource Source
    {
        get
        {
            var source = Volatile.Read(ref _source);
            return source with
            {
                Message =
                    requests.Complaint is not { } complaint ? source.Message
                    : source.Message is { } why ? $"{why}; {complaint}"
                    : complaint,
                Overflows = Interlocked.Read(ref _overflows),
                Priority = source.State == EventSourceState.Listening ? Priority : null,
            };
        }
    }

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
        var hearing = requests.Hearing();
        var deaf = programs?.DeafLeft(Now()) ?? TimeSpan.Zero;
        var hearsPrograms = programs is not null && deaf <= TimeSpan.Zero && !hearing.IsCrowded;
        if (hearing.Muted != _muted || hearsPrograms != _hearsPrograms)
        {
            (_muted, _hearsPrograms) = (hearing.Muted, hearsPrograms);
            _cannotMute = !_connector!.Mute(_muted.AsSpan(), hearsPrograms).IsSuccess;
        }

        // At the raised priority of this thread, a crowd that is read without a pause would be all that runs.
        var isCrowded = hearing.IsCrowded || (_cannotMute && !_muted.IsEmpty);
        if (isCrowded && _heard >= MostOfCrowd)
        {
            return Pause();
        }

        var left = deaf > TimeSpan.Zero && !(hearing.Left <= deaf) ? deaf : hearing.Left;
        var errno = _connector!.Next(out var named, isCrowded ? TimeSpan.Zero : left).Errno;
        switch (errno)
        {
            case Errno.None when named.IsProgram:
                _heard = isCrowded ? _heard + 1 : 0;
                if (programs?.IsQemu(named.Pid, Now()) == true)
                {
                    requests.LookAt(named);
                }

                return errno;
            case Errno.None:
                _heard = isCrowded ? _heard + 1 : 0;
                requests.LookAt(named, isDone: pin?.Invoke(named) == true);
                return errno;
            case Errno.ETIMEDOUT:
                return isCrowded ? Pause() : Errno.None;
            case Errno.ENOBUFS:
                Interlocked.Increment(ref _overflows);
                requests.LookAtEverything();
                return Errno.None;
            default:
                return errno;
        }
    }

    private static TimeSpan Now() => TimeProvider.System.GetElapsedTime(0);

    private Errno Pause()
    {
        _heard = 0;
        return _connector!.Pause(CrowdPeriod).Errno;
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

/// <summary>Pins a thread that has just got its name.</summary>
/// <returns>False where that is left to a pass.</returns>
internal delegate bool PinAtOnce(in NamedThread named);
