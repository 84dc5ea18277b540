using PinAgent.NativeInterop;
using PinAgent.NativeInterop.Files;
using PinAgent.Observe.Files;

namespace PinAgent.Observe.Cgroups;

/// <summary>
/// Tells each second whether the same cpusets are as they were, from files that are held open: that and the counting of threads
/// were most of what the agent used where nothing happens. Those beyond <see cref="Bounds.KeptFiles"/> are opened each time.
/// </summary>
internal sealed class KeptCpusets(HostFiles files) : IDisposable
{
    private readonly Dictionary<string, KeptFile> _kept = [];

    // Copies of cgroups' files, which can be replaced by others.
    private bool _areCopies;

    /// <summary>The files that are held.</summary>
    public int Held => _kept.Count;

    /// <summary>Whether reading a file gives what it gave. Allocates nothing once it's held.</summary>
    public bool IsStill(string file, LinuxResult result, ReadOnlySpan<byte> content)
    {
        if (result.IsSuccess && Open(file) is { } held)
        {
            Span<byte> now = stackalloc byte[1024];
            if (!held.Read(now, out var length).IsSuccess)
            {
                // Another cgroup may have the name by now.
                Close(file);
            }
            else if (length < now.Length)
            {
                return content.SequenceEqual(now[..length]);
            }
        }

        return files.ReadOnePiece($"{file}", out var found).Errno == result.Errno
            && content.SequenceEqual(found);
    }

    /// <summary>Closes all but these.</summary>
    public void Keep(IReadOnlySet<string> wanted)
    {
        foreach (var file in _kept.Keys.Where(file => !wanted.Contains(file)).ToList())
        {
            Close(file);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Keep(new HashSet<string>());

    private KeptFile? Open(string file)
    {
        if (
            _kept.TryGetValue(file, out var held)
            || _areCopies
            || _kept.Count >= Bounds.KeptFiles
            || !files.Keep($"{file}", out held).IsSuccess
        )
        {
            return held;
        }

        if (held!.IsOfCgroup)
        {
            return _kept[file] = held;
        }

        _areCopies = true;
        held.Dispose();
        return null;
    }

    private void Close(string file)
    {
        if (_kept.Remove(file, out var held))
        {
            held.Dispose();
        }
    }
}
