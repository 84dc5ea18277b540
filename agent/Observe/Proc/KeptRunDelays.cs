using PinAgent.NativeInterop;
using PinAgent.NativeInterop.Files;
using PinAgent.Observe.Files;

namespace PinAgent.Observe.Proc;

/// <summary>
/// Reads how long the same vCPUs have waited each few seconds, from files that it holds open: <see cref="Most"/>, or a quarter of
/// the descriptors that the process may have where that is less. The kernel keeps a page for each, a megabyte for all. Those
/// beyond are opened each time. Not safe for use by several threads.
/// </summary>
/// <param name="most">How many files it holds.</param>
internal sealed class KeptRunDelays(string root, int? most = null) : IDisposable
{
    /// <summary>The files that it holds at most.</summary>
    public const int Most = 256;

    private readonly int _most = most ?? (int)Math.Min(Most, KeptFile.MostDescriptors / 4);

    private readonly HostFiles _files = new(root);
    private readonly Dictionary<(int Pid, int Tid), KeptFile> _kept = [];

    /// <summary>The files that are held.</summary>
    public int Held => _kept.Count;

    /// <summary>A thread's wait in nanoseconds since its start; null if it's gone, or the kernel doesn't count.</summary>
    public ulong? Read(int pid, int tid)
    {
        if (!_kept.TryGetValue((pid, tid), out var file))
        {
            if (_kept.Count >= _most)
            {
                return _files
                    .ReadOnePiece($"/proc/{pid}/task/{tid}/schedstat", out var content)
                    .IsSuccess
                    ? ProcSchedstat.TryParseRunDelay(content)
                    : null;
            }

            if (!_files.Keep($"/proc/{pid}/task/{tid}/schedstat", out file).IsSuccess)
            {
                return null;
            }

            _kept[(pid, tid)] = file!;
        }

        Span<byte> line = stackalloc byte[128];
        var result = file!.Read(line, out var length);
        if (result.Errno == Errno.ESRCH)
        {
            // Whoever has its id now is another; it's asked about when the agent knows it.
            Close((pid, tid));
        }

        return result.IsSuccess ? ProcSchedstat.TryParseRunDelay(line[..length]) : null;
    }

    /// <summary>Closes what nobody asks about any more.</summary>
    public void Keep(IReadOnlySet<(int Pid, int Tid)> threads)
    {
        foreach (var gone in _kept.Keys.Where(key => !threads.Contains(key)).ToList())
        {
            Close(gone);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Keep(new HashSet<(int, int)>());
        _files.Dispose();
    }

    private void Close((int Pid, int Tid) thread)
    {
        if (_kept.Remove(thread, out var file))
        {
            file.Dispose();
        }
    }
}
