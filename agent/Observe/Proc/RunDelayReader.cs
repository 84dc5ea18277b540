using PinAgent.Observe.Files;

namespace PinAgent.Observe.Proc;

/// <summary>
/// Reads how long threads have waited for their CPU. Not part of a pass: it's different every time, and is read when
/// somebody asks. Safe for use by several threads.
/// </summary>
internal sealed class RunDelayReader(string root) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly HostFiles _files = new(root);

    /// <summary>A thread's wait in nanoseconds since its start; null if it's gone, or the kernel doesn't count.</summary>
    public ulong? Read(int tid)
    {
        lock (_lock)
        {
            return _files.ReadOnePiece($"/proc/{tid}/schedstat", out var content).IsSuccess
                ? ProcSchedstat.TryParseRunDelay(content)
                : null;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _files.Dispose();
}
