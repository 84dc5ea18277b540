using System.Collections.Immutable;
using System.Text;
using PinAgent.Model;
using PinAgent.NativeInterop;
using PinAgent.NativeInterop.Files;
using PinAgent.Observe.Cgroups;

namespace PinAgent.Observe.Events;

/// <summary>
/// Has the loop look for changes when somebody gives the VMs' cgroups other CPUs, and when the kubelet writes its checkpoint.
/// A change that comes from a cgroup above the one that has their cpuset isn't told of; nor is anything beyond the kernel's limit
/// of watches.
/// </summary>
/// <param name="kubeletRoot">The kubelet's root folder below it.</param>
internal sealed class CpusetWatch(PassRequests requests, string root, string kubeletRoot)
    : KernelListener("cpusets")
{
    // Of another folder than /: as everything below it is read.
    private readonly RootFolder? _root =
        root.TrimEnd('/').Length == 0 ? null : new RootFolder(root);

    // A VM's CPUs are given by its manager, a few times in its life. Whoever may write its own cgroup's can do so without end.
    private static readonly Bucket OfCgroup = new(Burst: 64, PerSecond: 1);
    private static readonly Bucket OfAll = new(Burst: 1024, PerSecond: 20);
    private static readonly TimeSpan MutedFor = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan CrowdPeriod = TimeSpan.FromSeconds(1);
    private const int MostCgroups = 1024;

    private readonly Lock _lock = new();
    private readonly Dictionary<CpusetFolder, int> _watches = [];
    private readonly EventBudget<int> _budget = new(OfCgroup, OfAll, MostCgroups);
    private readonly MutedSources<CpusetFolder> _muted = new(MostCgroups, MutedFor);
    private readonly List<int> _happened = [];
    private Inotify? _inotify;
    private ImmutableHashSet<string> _written = [];

    /// <summary>Listens to these cgroups, and to no others. Only the loop calls it.</summary>
    public void Follow(IEnumerable<CpusetFolder> cgroups)
    {
        if (_inotify is not { } inotify)
        {
            return;
        }

        var wanted = cgroups.ToHashSet();
        lock (_lock)
        {
            foreach (var gone in _watches.Keys.Where(folder => !wanted.Contains(folder)).ToList())
            {
                Drop(gone, inotify);
            }

            // Those that are known, too: a folder can have gone and come back.
            foreach (var folder in wanted.Where(folder => !_muted.Contains(folder)))
            {
                Watch(inotify, folder);
            }
        }
    }

    /// <summary>The cgroups whose cpusets were written since it was last asked; null where nobody listens.</summary>
    public ImmutableHashSet<string>? TakeWritten()
    {
        if (_inotify is null)
        {
            return null;
        }

        lock (_lock)
        {
            // Those that aren't listened to for a while are written all the time.
            var written = _muted.All.IsEmpty
                ? _written
                : _written.Union(_muted.All.Select(cpuset => cpuset.Cgroup));
            _written = [];
            return written;
        }
    }

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
        TimeSpan? left;
        lock (_lock)
        {
            left = _muted.Left(Now());
        }

        var errno = _inotify!.Next(_happened, left).Errno;
        var isCrowded = false;
        lock (_lock)
        {
            // What they had while nobody listened is seen now.
            var over = _muted.Expire(Now());
            foreach (var folder in over)
            {
                Watch(_inotify, folder);
            }

            // All where the kernel has lost some.
            var written = _happened.ToHashSet();
            var isAny = written.Contains(-1);
            _written = _written.Union(
                _watches
                    .Where(known => isAny || written.Contains(known.Value))
                    .Select(known => known.Key)
                    .Concat(over)
                    .Select(cpuset => cpuset.Cgroup)
            );
            var isWorthALook = !over.IsEmpty;
            foreach (var watch in _happened)
            {
                var verdict = Judge(watch);
                isWorthALook |= verdict == EventVerdict.Within;
                isCrowded |= verdict == EventVerdict.AllExceed;
            }

            if (isWorthALook)
            {
                requests.LookForChanges();
            }

            requests.Complain("cpusets", Describe());
        }

        // At the raised priority of this thread, a crowd that is read without a pause would be all that runs.
        return isCrowded ? _inotify!.Pause(CrowdPeriod).Errno
            : errno == Errno.ETIMEDOUT ? Errno.None
            : errno;
    }

    private static TimeSpan Now() => TimeProvider.System.GetElapsedTime(0);

    private EventVerdict Judge(int watch)
    {
        var verdict = _budget.Take(watch, Now());
        if (verdict == EventVerdict.SourceExceeds)
        {
            foreach (var (folder, _) in _watches.Where(known => known.Value == watch).ToList())
            {
                if (_muted.TryMute(folder, Now()))
                {
                    Drop(folder, _inotify!);
                }
            }
        }

        return verdict;
    }

    // Several cgroups may go by the cpuset of one above them: the last of them takes the watch away.
    private void Drop(CpusetFolder folder, Inotify inotify)
    {
        if (_watches.Remove(folder, out var watch) && !_watches.ContainsValue(watch))
        {
            inotify.Forget(watch);
        }
    }

    private void Watch(Inotify inotify, CpusetFolder folder)
    {
        if (inotify.WatchFile(Path($"{folder.Folder}/cpuset.cpus"), out var watch, _root).IsSuccess)
        {
            _watches[folder] = watch;
        }
    }

    private string? Describe() =>
        _muted.All.IsEmpty
            ? null
            : $"the CPUs of {_muted.All.Length} cgroups are written without end, so they're only looked at from time to time";

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
