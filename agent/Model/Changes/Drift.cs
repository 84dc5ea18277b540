namespace PinAgent.Model.Changes;

/// <summary>What a drift is, for whoever counts them, tells of them or draws them.</summary>
internal static class Drift
{
    /// <summary>Whether threads weren't where they belonged, whatever came of it.</summary>
    public static bool IsDrift(this VmChangeKind kind) =>
        kind
            is VmChangeKind.Repaired
                or VmChangeKind.Moved
                or VmChangeKind.IsolationLost
                or VmChangeKind.Contested;
}
