using System.Globalization;
using System.Text;
using PinAgent.NativeInterop;
using PinAgent.Observe.Files;
using PinAgent.Observe.Kubelet;
using PinAgent.Observe.Proc;
using PinAgent.Observe.Qemu;

namespace PinAgent.Observe.Recording;

/// <summary>
/// The files that one look at a machine reads: laid out as they were, they show it again. Of other processes than QEMU
/// and the kubelet nothing is kept, and of those only what <see cref="Redaction"/> lets pass.
/// </summary>
internal sealed class MachineRecording : IFileWitness
{
    private const string Proc = "/proc/";

    private readonly SortedDictionary<string, byte[]> _files = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, string> _links = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, string> _unread = new(StringComparer.Ordinal);

    private MachineRecording() { }

    /// <summary>The files by their path.</summary>
    public IReadOnlyDictionary<string, byte[]> Files => _files;

    /// <summary>The symbolic links, with their targets.</summary>
    public IReadOnlyDictionary<string, string> Links => _links;

    /// <summary>The kubelet's root folder, if it's there: one without a checkpoint says something, too.</summary>
    public string? KubeletRoot { get; private set; }

    /// <summary>What is there and couldn't be read, with the reason.</summary>
    public IReadOnlyDictionary<string, string> Unread => _unread;

    /// <summary>Looks at a machine once.</summary>
    /// <param name="root">The folder in which <c>/proc</c> and <c>/sys</c> are looked for.</param>
    /// <param name="kubeletRoot">The kubelet's root folder on that machine.</param>
    /// <exception cref="InvalidDataException">Something without which nothing can be said can't be read.</exception>
    public static MachineRecording Record(string root, string kubeletRoot)
    {
        var recording = new MachineRecording();
        using var files = new HostFiles(root) { Witness = recording };
        // As a replay reads the masks: from files.
        using var observer = new NodeObserver(
            files,
            new RecordedAffinityReader(files),
            kubeletRoot
        );
        var node = observer.Observe();
        recording.Reduce([
            .. node.Vms.Select(vm => vm.Key.Pid),
            .. node
                .Vms.SelectMany(vm => vm.Threads)
                .Where(thread => thread.IsKernelProcess)
                .Select(thread => thread.Tid),
        ]);
        recording.KubeletRoot = files.ListNames($"{kubeletRoot}", []).IsSuccess
            ? kubeletRoot
            : null;
        return recording;
    }

    /// <inheritdoc/>
    public void SeeFile(string path, LinuxResult result, ReadOnlySpan<byte> content)
    {
        // A path of somebody else's: what leads out of the folder that the record is laid out in isn't kept.
        if (
            path.Contains("//", StringComparison.Ordinal)
            || path.Split('/').Any(part => part is "." or "..")
        )
        {
            return;
        }

        if (result.IsSuccess)
        {
            _files[path] = content.ToArray();
        }
        else
        {
            Miss(path, result);
        }
    }

    /// <inheritdoc/>
    public void SeeLink(string path, LinuxResult result, ReadOnlySpan<byte> target)
    {
        if (result.IsSuccess)
        {
            _links[path] = Encoding.UTF8.GetString(target);
        }
        else
        {
            Miss(path, result);
        }
    }

    // What isn't there is no fault: most files are optional, and processes end.
    private void Miss(string path, LinuxResult result)
    {
        if (result.Errno is not (Errno.ENOENT or Errno.ESRCH))
        {
            _unread[path] = result.Errno.Describe();
        }
    }

    private void Reduce(HashSet<int> pids)
    {
        foreach (var (path, content) in _files.ToList())
        {
            var isKept =
                PidOf(path) is not { } pid
                || pid == 1
                || pids.Contains(pid)
                || (ProcStat.TryParse(content, out var stat) && KubeletProcess.IsKubelet(stat));
            if (isKept && Redaction.File(path, content) is { } reduced)
            {
                _files[path] = reduced;
            }
            else
            {
                _files.Remove(path);
            }
        }

        foreach (var (path, target) in _links.ToList())
        {
            if (
                PidOf(path) is { } pid
                && pids.Contains(pid)
                && Redaction.Link(path, target) is { } reduced
            )
            {
                _links[path] = reduced;
            }
            else
            {
                _links.Remove(path);
            }
        }

        foreach (var path in _unread.Keys.ToList())
        {
            if (PidOf(path) is { } pid && !pids.Contains(pid))
            {
                _unread.Remove(path);
            }
        }
    }

    private static int? PidOf(string path) =>
        path.StartsWith(Proc, StringComparison.Ordinal)
        && int.TryParse(
            path.AsSpan(
                Proc.Length,
                path.IndexOf('/', Proc.Length) is > 0 and var end ? end - Proc.Length : 0
            ),
            NumberStyles.None,
            CultureInfo.InvariantCulture,
            out var pid
        )
            ? pid
            : null;
}
