using System.Globalization;
using PinAgent.Model.Changes;
using PinAgent.Model.Text;

namespace PinAgent.Cli.Look;

/// <summary>Sums a VM's history up: how often it drifted, by whom, and for how long it was off its CPUs at most. Pure.</summary>
internal static class ExplainSum
{
    /// <summary>The sentence.</summary>
    /// <param name="changes">The history, of one VM.</param>
    /// <param name="since">From when on.</param>
    /// <param name="writerOf">Who did it, where that is known: <c>taskset (pid 812)</c>.</param>
    public static string Of(
        IReadOnlyCollection<VmChange> changes,
        DateTimeOffset since,
        Func<VmChange, string?>? writerOf = null
    )
    {
        // A record that stands for several drifts counts as often as it says.
        var drifts = changes.Where(change => change.IsDrift).ToList();
        var sum = drifts.Sum(Count);
        var when = $"since {Times.Local(since, "yyyy-MM-dd HH:mm")}";
        if (sum == 0)
        {
            return $"no drift {when}";
        }

        var writers = drifts
            .Select(drift => (Name: writerOf?.Invoke(drift), Times: Count(drift)))
            .Where(writer => writer.Name is not null)
            .GroupBy(writer => writer.Name!)
            .Select(writer => $"{writer.Sum(one => one.Times)} by {writer.Key}");
        var off = changes.Max(change => change.UnpinnedSecondsAtMost);
        return string.Join(
            ", ",
            writers
                .Prepend($"{sum} {(sum == 1 ? "drift" : "drifts")} {when}")
                .Concat(
                    off is { } seconds
                        ?
                        [
                            string.Create(
                                CultureInfo.InvariantCulture,
                                $"at most {seconds:0.###} s off its CPUs"
                            ),
                        ]
                        : (string[])[]
                )
        );
    }

    private static int Count(VmChange change) => change.Repeated ?? 1;
}
