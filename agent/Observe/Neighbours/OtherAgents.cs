using System.Text;
using PinAgent.Observe.Files;

namespace PinAgent.Observe.Neighbours;

/// <summary>
/// Looks for other agents on the machine, where one VM's masks are fought over: one with another state folder isn't kept from
/// running. Not in every pass, for it asks about every process.
/// </summary>
/// <param name="self">This agent's process.</param>
internal sealed class OtherAgents(HostFiles files, int self, TimeProvider time)
{
    // A few are enough to be found by, and anybody may call a program so.
    private const int MostNamed = 3;

    private static readonly TimeSpan Period = TimeSpan.FromSeconds(30);

    private readonly List<int> _pids = [];
    private long? _lookedAt;
    private string? _told;

    /// <summary>Which others there are, in words; null if there are none.</summary>
    public string? Look()
    {
        if (_lookedAt is { } last && time.GetElapsedTime(last) < Period)
        {
            return _told;
        }

        _lookedAt = time.GetTimestamp();
        files.ListNumbers($"/proc", _pids);
        var found = _pids.Where(pid => pid != self && IsAgent(pid)).Take(MostNamed).ToList();
        _told =
            found.Count == 0
                ? null
                : $"another pinagent runs here (pid {string.Join(", ", found)}): if it is the one that sets these masks, stop it, or "
                    + "give the two different VMs with --vm";
        return _told;
    }

    // By its executable and what it does: a name is anybody's, and pinagent status sets no masks.
    private bool IsAgent(int pid)
    {
        if (!files.ReadLink($"/proc/{pid}/exe", out var target).IsSuccess)
        {
            return false;
        }

        // The kernel marks the file of one that was started before an update.
        var deleted = " (deleted)"u8;
        target = target.EndsWith(deleted) ? target[..^deleted.Length] : target;
        if (!target.EndsWith("/pinagent"u8))
        {
            return false;
        }

        files.ReadPrefix($"/proc/{pid}/cmdline", Bounds.Introduction, out var line, out _);
        return Encoding.UTF8.GetString(line).Split('\0').ElementAtOrDefault(1) == "run";
    }
}
