using System.Collections.Immutable;
using System.Numerics;

namespace PinAgent.Report.Proof;

/// <summary>
/// The classes in which the kernel counts lengths of time: 0 to 3 ns, then four for each power of two. So what a class tells
/// is a quarter too long at most. Pure.
/// </summary>
internal static class LatencyClasses
{
    /// <summary>The class of a length, as <c>class_of</c> in <c>prove.bpf.c</c> finds it.</summary>
    public static int Of(ulong nanoseconds)
    {
        var power = BitOperations.Log2(nanoseconds);
        return power < 2
            ? (int)nanoseconds
            : ((power - 1) * 4) + (int)((nanoseconds >> (power - 2)) & 3);
    }

    /// <summary>The longest length in a class.</summary>
    public static ulong Longest(int index)
    {
        if (index < 4)
        {
            return (ulong)index;
        }

        var width = index / 4 - 1;
        return ((ulong)(5 + (index % 4)) << width) - 1;
    }

    /// <summary>What so many of all are no longer than: the end of the class, and no more than the longest there was.</summary>
    /// <param name="share">How many of all, as 0.99.</param>
    public static ulong Percentile(ImmutableArray<ulong> classes, double share, ulong longest)
    {
        var all = classes.Aggregate(0UL, (sum, count) => sum + count);
        var rank = Math.Max(1, (ulong)Math.Ceiling(all * share));
        var sum = 0UL;
        for (var i = 0; i < classes.Length; i++)
        {
            sum += classes[i];
            if (sum >= rank)
            {
                return Math.Min(Longest(i), longest);
            }
        }

        return longest;
    }
}
