using System.Text;
using PinAgent.Report.Waits;

namespace PinAgent.Report.Page;

/// <summary>Ten minutes of waits as a small curve: higher is worse, and small waits are seen beside large ones.</summary>
internal static class Sparkline
{
    // Two turns to a step, and so many heights: what is alike is drawn as one line.
    private const int TurnsPerStep = 2;
    private const int Height = 16;
    private const double Highest = 0.25;
    private const double Whole = 10_000;

    /// <summary>The curve; nothing where nothing is known.</summary>
    /// <param name="turns">The share of each five seconds, in ten-thousandths, the oldest first.</param>
    /// <param name="isDedicated">Whether long waits are bad: a VM that shares its CPUs has to wait.</param>
    public static Html Of(ReadOnlySpan<ushort> turns, bool isDedicated = true)
    {
        var worst = -1;
        foreach (var share in turns)
        {
            worst = share == WaitSeries.Unknown ? worst : Math.Max(worst, share);
        }

        if (worst < 0)
        {
            return Html.None;
        }

        var steps = turns.Length / TurnsPerStep;
        var about = $"Waits of the last ten minutes, at most {WaitWords.Percent(worst / Whole)}";
        return Html.Of(
            $"""<svg class="spark s{(isDedicated ? WaitWords.Level(worst / Whole) : 0)}" viewBox="0 0 {steps} {Height}" preserveAspectRatio="none" role="img" aria-label="{about}"><title>{about}</title><path d="{Path(turns)}"/></svg>"""
        );
    }

    private static string Path(ReadOnlySpan<ushort> turns)
    {
        var path = new StringBuilder();
        var (last, length) = (-1, 0);
        for (var at = 0; at <= turns.Length; at += TurnsPerStep)
        {
            var now =
                at < turns.Length ? Step(turns[at..Math.Min(turns.Length, at + TurnsPerStep)]) : -1;
            if (now == last)
            {
                length++;
                continue;
            }

            if (last >= 0)
            {
                path.Append($"h{length}");
            }

            if (now >= 0)
            {
                path.Append(
                    last >= 0 ? $"V{Height - now}" : $"M{at / TurnsPerStep} {Height - now}"
                );
            }

            (last, length) = (now, 1);
        }

        return path.ToString();
    }

    // A little above the ground, so that there's a line where nobody waited.
    private static int Step(ReadOnlySpan<ushort> turns)
    {
        var worst = -1;
        foreach (var share in turns)
        {
            worst = share == WaitSeries.Unknown ? worst : Math.Max(worst, share);
        }

        return worst < 0
            ? -1
            : 1 + (int)Math.Round(Math.Sqrt(Math.Min(1, worst / Whole / Highest)) * (Height - 2));
    }
}
