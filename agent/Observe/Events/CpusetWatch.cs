using System.Text;
using PinAgent.NativeInterop;
using PinAgent.NativeInterop.Files;

namespace PinAgent.Observe.Events;

/// <summary>
/// Has the loop look for changes when somebody gives the VMs' cgroups other CPUs, and when the kubelet writes its checkpoint.
/// A change that comes from a cgroup further up isn't told of; nor is anything beyond the kernel's limit of watches.
/// </summary>
/// <param name="requests">The loop.</param>
/// <param name="root">The host root.</param>
/// <param name="kubeletRoot">The kubelet's root folder below it.</param>
internal sealed class CpusetWatch(PassRequests requests, string root, string kubeletRoot)
    : KernelListener("cpusets")
{
    // Of another folder than /: as everything below it is read.
    private readonly RootFolder? _root =
        root.TrimEnd('/').Length == 0 ? null : new RootFolder(root);
    private readonly Dictionary<string, int> _watches = [];
    private Inotify? _inotify;
    private volatile int _written;

    /// <summary>Listens to these cgroups, and to no others. Only the loop calls it.</summary>
    /// <param name="folders">Their folders, below the host root.</param>
    public void Follow(IEnumerable<string> folders)
    {
        if (_inotify is not { } inotify)
        {
            return;
        }

        var wanted = folders.ToHashSet();
        foreach (var gone in _watches.Keys.Where(folder => !wanted.Contains(folder)).ToList())
        {
            _watches.Remove(gone, out var watch);
            inotify.Forget(watch);
        }

        // Those that are known, too: a folder can have gone and come back.
        foreach (var folder in wanted)
        {
            if (inotify.WatchFile(Path($"{folder}/cpuset.cpus"), out var watch, _root).IsSuccess)
            {
                _watches[folder] = watch;
            }
        }
    }

    /// <summary>Whether a VM's cpuset was written since it was last asked; null where nobody listens.</summary>
    public bool? TakeWritten() =>
        _inotify is null ? null : Interlocked.Exchange(ref _written, 0) == 1;

    /// <inheritdoc/>
    protected override bool Open()
    {
        _ = Inotify.TryOpen(out _inotify);
        _ = _inotify?.WatchFolder(Path(kubeletRoot), _root);
        return _inotify is not null;
    }

    /// <inheritdoc/>
    protected override Errno HandOn()
    {
        var errno = _inotify!.Next(out var cpusetWritten).Errno;
        if (errno == Errno.None)
        {
            if (cpusetWritten)
            {
                _written = 1;
            }

            requests.LookForChanges();
        }

        return errno;
    }

    /// <inheritdoc/>
    protected override void Interrupt() => _inotify?.Stop();

    /// <inheritdoc/>
    protected override void Close()
    {
        _inotify?.Dispose();
        _root?.Dispose();
    }

    private static byte[] Path(string path) => Encoding.UTF8.GetBytes(path + '\0');
}
