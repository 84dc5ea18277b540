using PinAgent.Model.Node;
using PinAgent.NativeInterop;
using PinAgent.Observe.Files;

namespace PinAgent.Observe.Kubelet;

/// <summary>
/// Keeps what is known of the CPU manager: the same record as long as nothing of it changes. Not safe for use by several
/// threads.
/// </summary>
/// <param name="kubeletRoot">The kubelet's root folder on that machine.</param>
internal sealed class CpuManagerReader(HostFiles files, string kubeletRoot)
{
    private readonly string _path = CpuManagerObserver.PathBelow(kubeletRoot);
    private Errno _errno;
    private byte[] _checkpoint = [];
    private CpuManagerObservation? _seen;
    private CpuManagerState? _state;
    private IReadOnlyList<string> _kubelet = [];
    private string? _evidence;
    private CpuManagerObservation? _completed;

    /// <summary>Looks at all that tells of it.</summary>
    public CpuManagerObservation Read()
    {
        _errno = files.Read($"{_path}", out var checkpoint).Errno;
        _checkpoint = checkpoint.ToArray();
        if (_seen is { } last && _errno.MeansShortage())
        {
            return last;
        }

        var seen = CpuManagerObserver.Observe(files, kubeletRoot);

        // Whether a kubelet runs decides nothing, so it's looked for when the state changes only.
        if (seen.State != _state)
        {
            (_state, _kubelet) = (seen.State, KubeletProcess.Evidence(files, seen));
        }

        _completed = null;
        return _seen = seen with { Evidence = [.. seen.Evidence, .. _kubelet] };
    }

    /// <summary>Looks only if the checkpoint was written since. Allocates nothing if it wasn't.</summary>
    public CpuManagerObservation ReadIfWritten() =>
        _seen is { } seen
        && files.Read($"{_path}", out var checkpoint).Errno == _errno
        && checkpoint.SequenceEqual(_checkpoint)
            ? seen
            : Read();

    /// <summary>What was read last, with what the PodResources API's answer says of it.</summary>
    /// <param name="evidence">The sentence; null if there is none.</param>
    public CpuManagerObservation With(CpuManagerObservation seen, string? evidence)
    {
        if (evidence is null)
        {
            return seen;
        }

        if (_completed is null || _evidence != evidence)
        {
            _evidence = evidence;
            _completed = seen with { Evidence = [.. seen.Evidence, evidence] };
        }

        return _completed;
    }
}
