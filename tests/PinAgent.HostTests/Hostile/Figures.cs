using System.Globalization;
using System.Text;

namespace PinAgent.HostTests.Hostile;

/// <summary>What was measured while a tenant attacked, and what of it is beyond the bounds.</summary>
internal sealed record Figures
{
    private const long Mebibyte = 1 << 20;
    private const long MostMemory = 64 * Mebibyte;
    private static readonly CompositeFormat Row = CompositeFormat.Parse(
        "{0,-52} {1,7} {2,9} {3,9} {4,6} {5,7} {6,7} {7,9} {8,9}  {9}"
    );

    private static readonly TimeSpan LatestRepair = TimeSpan.FromSeconds(2);

    public required string Attack { get; init; }

    /// <summary>How long each drift lasted; null for one that wasn't repaired.</summary>
    public required IReadOnlyList<TimeSpan?> Drifts { get; init; }

    /// <summary>How long each answer to the liveness probe took; null for one that failed.</summary>
    public required IReadOnlyList<TimeSpan?> Probes { get; init; }

    /// <summary>How much of one CPU the agent took.</summary>
    public required double Cpu { get; init; }

    /// <summary>The most memory its cgroup had, in bytes.</summary>
    public required long Memory { get; init; }

    /// <summary>
    /// The most memory its process had, in bytes: with the program's own pages, which count for the cgroup that has read them
    /// first, as the agent's pod does and the lane doesn't.
    /// </summary>
    public required long Resident { get; init; }

    /// <summary>Lines a second.</summary>
    public required double Log { get; init; }

    /// <summary>Whether the agent ended.</summary>
    public required bool Died { get; init; }

    /// <summary>Whether it came to life when it was started again while the attack went on; null if that wasn't tried.</summary>
    public bool? Restarted { get; init; }

    /// <summary>How long a drift lasted then.</summary>
    public TimeSpan? DriftAfterRestart { get; init; }

    /// <summary>Masks that the attackers' threads were given.</summary>
    public required IReadOnlyList<string> Touched { get; init; }

    /// <summary>Whether the agent can't do better on a machine that does less.</summary>
    public bool IsCertain =>
        Died || Restarted == false || Math.Max(Memory, Resident) > MostMemory || Touched.Count > 0;

    /// <summary>What is beyond its bound.</summary>
    public IReadOnlyList<string> Missed =>
        [
            .. Miss(Died, "the agent ended"),
            .. Miss(
                Drifts.Any(drift => drift is null),
                $"a drift wasn't repaired in {Neighbour.Patience.TotalSeconds:0} s"
            ),
            .. Miss(Drifts.Max() > LatestRepair, "a drift was repaired late"),
            .. Miss(Cpu >= 0.1, "it took a tenth of a CPU or more"),
            .. Miss(Math.Max(Memory, Resident) > MostMemory, "it took more than 64 MiB"),
            .. Miss(Log >= 10, "it logged ten lines a second or more"),
            .. Miss(!Died && Probes.Any(probe => probe is null), "a liveness probe failed"),
            .. Miss(
                Touched.Count > 0,
                $"it gave strangers' threads the masks {string.Join(' ', Touched)}"
            ),
            .. Miss(Restarted == false, "started again, it didn't come to life"),
            .. Miss(
                Restarted == true && !(DriftAfterRestart <= LatestRepair),
                "started again, it repaired a drift late or not at all"
            ),
        ];

    /// <summary>The columns' names.</summary>
    public static string Header =>
        Line(
            "attacker",
            "drifts",
            "latest s",
            "probe ms",
            "CPU %",
            "mem MiB",
            "RSS MiB",
            "log/s",
            "again s",
            ""
        );

    public override string ToString() =>
        Line(
            Attack,
            $"{Drifts.Count}",
            Drifts.Any(drift => drift is null)
                ? "never"
                : $"{Drifts.Max()?.TotalSeconds ?? 0:0.00}",
            Probes.Any(probe => probe is null)
                ? "failed"
                : $"{Probes.Max()?.TotalMilliseconds ?? 0:0}",
            $"{Cpu * 100:0.0}",
            $"{(double)Memory / Mebibyte:0.0}",
            Resident == 0 ? "-" : $"{(double)Resident / Mebibyte:0.0}",
            $"{Log:0.0}",
            Restarted switch
            {
                null => "-",
                false => "dead",
                true when DriftAfterRestart is { } late => $"{late.TotalSeconds:0.00}",
                true => "never",
            },
            Missed.Count == 0 ? "ok" : $"MISSED: {string.Join("; ", Missed)}"
        );

    private static string Line(params object[] columns) =>
        string.Format(CultureInfo.InvariantCulture, Row, columns).TrimEnd();

    private static string[] Miss(bool missed, string what) => missed ? [what] : [];
}
