using Xunit;

namespace PinAgent.HostTests.Kubelet;

/// <summary>Waits for what others bring about and nobody tells of. When the test's time is nearly over, it says what was seen.</summary>
internal static class Until
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(300);
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(200);

    /// <summary>Waits until there is something.</summary>
    /// <param name="look">Looks once.</param>
    /// <param name="describe">What to say when it takes too long.</param>
    public static async Task<T> NotNullAsync<T>(Func<Task<T?>> look, Func<Task<string>> describe)
        where T : class
    {
        var start = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(start) < Patience)
        {
            if (await look() is { } found)
            {
                return found;
            }

            await Task.Delay(Pace, TestContext.Current.CancellationToken);
        }

        Assert.Fail($"Not within {Patience.TotalSeconds} s: {await describe()}");
        throw new System.Diagnostics.UnreachableException();
    }

    /// <summary>Waits until something holds.</summary>
    public static Task HoldsAsync(Func<Task<bool>> look, Func<Task<string>> describe) =>
        NotNullAsync(async () => await look() ? "" : null, describe);

    /// <summary>Waits until two values are the same.</summary>
    public static async Task EqualAsync<T>(T expected, Func<Task<T>> look)
    {
        var seen = default(T);
        await HoldsAsync(
            async () => EqualityComparer<T>.Default.Equals(expected, seen = await look()),
            () => Task.FromResult($"expected \"{expected}\", found \"{seen}\"")
        );
    }
}
