using PinAgent.Model.Text;

namespace PinAgent.Observe.Events.Foreign;

/// <summary>Who did something: what the kernel knew of it at that moment.</summary>
/// <param name="Comm">The name of its thread, printable. Its owner chose it.</param>
/// <param name="Pid">Its process, by the machine's own number.</param>
/// <param name="Place">Its pod or unit in words; null if that isn't known.</param>
internal sealed record ForeignAuthor(string Comm, int Pid, string? Place)
{
    private const string Pod = "pod";
    private const int UidLength = 36;

    /// <summary>As it's said: <c>taskset (pid 812, user-1000.slice)</c>.</summary>
    public override string ToString() =>
        Place is null ? $"{Comm} (pid {Pid})" : $"{Comm} (pid {Pid}, {Place})";

    /// <summary>Makes one of what the kernel says.</summary>
    /// <param name="cgroup">The names of its cgroup's path, the last six at most; empty if not known.</param>
    /// <param name="isWhole">Whether that's the path from the hierarchy's root.</param>
    public static ForeignAuthor Of(string comm, int pid, string cgroup, bool isWhole) =>
        new(Words.Printable(comm), pid, PlaceOf(cgroup, isWhole));

    // The outermost pod: whoever may make cgroups below its own can call them as it likes. A path whose begin is missing says
    // nothing of pods for the same reason.
    internal static string? PlaceOf(string cgroup, bool isWhole)
    {
        var names = cgroup.Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (names.Length == 0)
        {
            return null;
        }

        if (!isWhole)
        {
            return $"…{Words.Printable(cgroup)}";
        }

        foreach (var name in names)
        {
            if (PodUid(name) is { } uid)
            {
                return $"pod {uid}";
            }
        }

        // Of "user.slice/user-1000.slice/session-3.scope" the user, of "system.slice/cron.service" the service.
        return Words.Printable(
            names.LastOrDefault(name => name.EndsWith(".service", StringComparison.Ordinal))
                ?? names.LastOrDefault(name => name.EndsWith(".slice", StringComparison.Ordinal))
                ?? names[^1]
        );
    }

    // "pod<uid>", and "kubepods-burstable-pod<uid with _ for ->.slice".
    private static string? PodUid(string name)
    {
        var at = name.StartsWith(Pod, StringComparison.Ordinal)
            ? 0
            : name.IndexOf("-" + Pod, StringComparison.Ordinal) + 1;
        if (at < 0 || (at == 0 && !name.StartsWith(Pod, StringComparison.Ordinal)))
        {
            return null;
        }

        var rest = name[(at + Pod.Length)..];
        var uid = rest.EndsWith(".slice", StringComparison.Ordinal) ? rest[..^6] : rest;
        uid = uid.Replace('_', '-');
        return uid.Length == UidLength && Guid.TryParseExact(uid, "D", out _) ? uid : null;
    }
}
