namespace PinAgent.Plan.Placement;

/// <summary>
/// A way to choose CPUs for a VM. A policy is a pure function: no I/O, no clock, no state.
/// </summary>
internal interface IPlacementPolicy
{
    /// <summary>The name by which <c>--policy</c> and a request choose it.</summary>
    string Name { get; }

    /// <summary>Places one VM. The request has been checked (<see cref="Placer"/>): what's left can only lack CPUs.</summary>
    PlacementResult Place(PlacementRequest request);
}
