using PinAgent.Apply.AtOnce;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.NativeInterop.Bpf;
using PinAgent.Observe.Events;
using PinAgent.Observe.Events.Foreign;
using PinAgent.Observe.Files;

namespace PinAgent.Loop;

/// <summary>What hears who changes pinned threads, and what comes of it.</summary>
internal sealed class MaskEventServices : IDisposable
{
    private readonly PassRequests _requests;
    private readonly Func<EventSource> _names;
    private readonly bool _isAsked;

    private MaskEventServices(
        MaskEvents events,
        HostFiles files,
        PassRequests requests,
        PinAtOnce pin,
        Func<EventSource> names
    )
    {
        _requests = requests;
        _names = names;
        _isAsked = events != MaskEvents.Auto;
        PutBack = new PutBackAtOnce(new PinKernel(files), TimeProvider.System);
        Ledger = new ForeignLedger(requests, files, TimeProvider.System, PutBack.TryPutBack, pin);
        Watch = new ForeignWriterWatch(
            new(
                events == MaskEvents.Syscalls ? MaskHook.Syscalls : MaskHook.Probe,
                Moves: true,
                Environment.ProcessId,
                [
                    $"{files.Display("/sys/kernel/tracing")}",
                    $"{files.Display("/sys/kernel/debug/tracing")}",
                ]
            ),
            requests,
            Ledger,
            needsNames: () => names().State != EventSourceState.Listening
        );
    }

    /// <summary>Puts threads back at once.</summary>
    public PutBackAtOnce PutBack { get; }

    /// <summary>Keeps who has changed what.</summary>
    public ForeignLedger Ledger { get; }

    /// <summary>Hears of it.</summary>
    public ForeignWriterWatch Watch { get; }

    /// <summary>What the kernel tells, of names too: where the connector doesn't, a program in the kernel may.</summary>
    public EventSource Source
    {
        get
        {
            Watch.CountLosses();
            var (names, masks) = (_names(), Watch.Source);
            return (
                names.State != EventSourceState.Listening && masks.Names
                    ? names with
                    {
                        State = EventSourceState.Listening,
                        Message = _requests.Complaint,
                        Priority = Watch.Priority,
                    }
                    : names
            ) with
            {
                Masks = masks.AsShown(),
            };
        }
    }

    /// <summary>Makes them; null where the kernel isn't asked.</summary>
    /// <param name="pin">Pins a thread that has just got its name.</param>
    /// <param name="names">Whether the process connector tells of names.</param>
    public static MaskEventServices? Create(
        MaskEvents events,
        HostFiles files,
        PassRequests requests,
        PinAtOnce pin,
        Func<EventSource> names
    ) =>
        events == MaskEvents.Off || !files.HasLiveProc()
            ? null
            : new MaskEventServices(events, files, requests, pin, names);

    /// <summary>Watches the threads of these VMs, and no others.</summary>
    public void Follow(IEnumerable<ObservedVm> vms)
    {
        if (_isAsked)
        {
            _requests.Complain("who changes masks", Watch.Source.Message);
        }

        Watch.Follow(Ledger.Follow(vms));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Watch.Dispose();
        PutBack.Dispose();
    }
}
