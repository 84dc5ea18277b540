namespace PinAgent.Observe.Events;

/// <summary>How far a pass looks; each one sees what those before it do.</summary>
internal enum PassScope
{
    /// <summary>At the processes whose threads have just named themselves.</summary>
    Named,

    /// <summary>As <see cref="Changes"/>, without reading the masks of known threads, as the kernel tells of each that is set.</summary>
    Untold,

    /// <summary>At what shows that something has changed, and then at that.</summary>
    Changes,

    /// <summary>At every process.</summary>
    Everything,
}
