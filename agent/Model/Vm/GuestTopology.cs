namespace PinAgent.Model.Vm;

/// <summary>The CPUs a guest sees, those enabled now. Dies, clusters and modules count as cores.</summary>
/// <param name="Sockets">Sockets, at least 1.</param>
/// <param name="Cores">Cores per socket, at least 1.</param>
/// <param name="Threads">Threads per core, at least 1.</param>
internal readonly record struct GuestTopology(int Sockets, int Cores, int Threads)
{
    /// <summary>The most vCPUs accepted; QEMU's machines end far below.</summary>
    public const int MaxVcpus = 65_536;

    /// <summary>The number of vCPUs.</summary>
    public int Vcpus => Sockets * Cores * Threads;

    /// <summary>Whether these make a guest: each at least 1, and not more vCPUs than <see cref="MaxVcpus"/>.</summary>
    public static bool IsValid(long sockets, long cores, long threads) =>
        sockets is >= 1 and <= MaxVcpus
        && cores is >= 1 and <= MaxVcpus
        && threads is >= 1 and <= MaxVcpus
        && sockets * cores <= MaxVcpus
        && sockets * cores * threads <= MaxVcpus;

    /// <summary>
    /// The topology when only the first <paramref name="vcpus"/> are enabled: socket by socket, core by core. A last
    /// socket or core that is incomplete counts by its cores, or by its CPUs.
    /// </summary>
    public GuestTopology WithVcpus(int vcpus)
    {
        if (vcpus == Vcpus)
        {
            return this;
        }

        var perSocket = Cores * Threads;
        return vcpus % perSocket == 0 ? this with { Sockets = vcpus / perSocket }
            : vcpus % Threads == 0 ? new GuestTopology(1, vcpus / Threads, Threads)
            : new GuestTopology(1, vcpus, 1);
    }

    /// <summary>Sockets × cores × threads, as people write it.</summary>
    public override string ToString() => $"{Sockets}×{Cores}×{Threads}";
}
