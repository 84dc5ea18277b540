using PinAgent.Report;

namespace PinAgent.Tests;

internal static class StatusStoreExtensions
{
    /// <summary>Puts what a pass found that took no time.</summary>
    public static void Put(this StatusStore store, NodeStatus status) =>
        store.Put(status, TimeSpan.Zero, []);
}
