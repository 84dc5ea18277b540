using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;

namespace PinAgent.Plan.Placement;

/// <summary>A request as it's written. Everything is optional here; <see cref="TryRead"/> says what's missing.</summary>
internal sealed record RequestLine
{
    public TopologyPart? Topology { get; init; }

    public string? Cpuset { get; init; }

    public GuestPart? Guest { get; init; }

    public string? Policy { get; init; }

    public CurrentPart? Current { get; init; }

    public string? EmulatorCpuset { get; init; }

    public bool TryRead(
        [NotNullWhen(true)] out PlacementRequest? request,
        [NotNullWhen(false)] out string? error
    )
    {
        request = null;
        if (!TryReadTopology(out var topology, out error))
        {
            return false;
        }

        if (Cpuset is null)
        {
            error = "cpuset: missing; expected a list of CPUs like \"0-3,8\"";
            return false;
        }

        if (Guest is not { } guest)
        {
            error = "guest: missing; expected an object with sockets, cores and threads";
            return false;
        }

        var (sockets, cores, threads) = (guest.Sockets ?? 1, guest.Cores ?? 1, guest.Threads ?? 1);
        if (!GuestTopology.IsValid(sockets, cores, threads))
        {
            error =
                $"guest: expected sockets, cores and threads of at least 1 and at most "
                + $"{GuestTopology.MaxVcpus} vCPUs, found {sockets}×{cores}×{threads}";
            return false;
        }

        var errors = new List<string>();
        request = new PlacementRequest
        {
            Topology = topology,
            Cpuset = Read("cpuset", Cpuset) ?? CpuSet.Empty,
            Vcpus = sockets * cores * threads,
            ThreadsPerCore = threads,
            IsolateEmulatorThread = guest.IsolateEmulatorThread ?? false,
            EmulatorThreadCompleteToEvenParity = guest.EmulatorThreadCompleteToEvenParity ?? false,
            NumaPassthrough = guest.NumaPassthrough ?? false,
            IoThreads = guest.IoThreads ?? 0,
            SupplementalIoThreads = guest.SupplementalIoThreads ?? 0,
            EmulatorCpuset = Read("emulatorCpuset", EmulatorCpuset) ?? CpuSet.Empty,
            Current = Current is null
                ? null
                : new CurrentPlacement(
                    ReadAll("current.vcpus", Current.Vcpus),
                    ReadAll("current.supplementalIoThreads", Current.SupplementalIoThreads),
                    Read("current.emulator", Current.Emulator)
                ),
        };
        error = errors.FirstOrDefault();
        return error is null;

        CpuSet? Read(string field, string? text)
        {
            if (text is null)
            {
                return null;
            }

            if (!CpuSet.TryParse(text, out var set, out var problem))
            {
                errors.Add($"{field}: {problem}");
            }

            return set;
        }

        ImmutableArray<CpuSet?> ReadAll(string field, IReadOnlyList<string?>? texts) =>
            texts is null ? [] : [.. texts.Select((text, i) => Read($"{field}[{i}]", text))];
    }

    private bool TryReadTopology(
        [NotNullWhen(true)] out NodeTopology? topology,
        [NotNullWhen(false)] out string? error
    )
    {
        topology = null;
        if (Topology?.Cpus is not { Count: > 0 } cpus)
        {
            error =
                "topology.cpus: missing or empty; expected a list of CPUs with id, socket, numa and core";
            return false;
        }

        for (var i = 0; i < cpus.Count; i++)
        {
            var cpu = cpus[i];
            if (cpu?.Id is not (>= 0 and <= CpuSet.MaxId) || cpu.Core is null)
            {
                error =
                    $"topology.cpus[{i}]: expected an id from 0 to {CpuSet.MaxId} and a core, found id "
                    + $"{cpu?.Id?.ToString() ?? "none"} and core {cpu?.Core?.ToString() ?? "none"}";
                return false;
            }
        }

        try
        {
            topology = new NodeTopology(
                cpus.Select(cpu => new LogicalCpu(
                    cpu!.Id!.Value,
                    cpu.Socket ?? 0,
                    cpu.Numa ?? 0,
                    cpu.Core!.Value,
                    cpu.L3,
                    Kind: CoreKinds.Parse(cpu.Kind)
                ))
            );
        }
        catch (ArgumentException twice)
        {
            error = $"topology.cpus: {twice.Message.Split(" (")[0]}";
            return false;
        }

        error = null;
        return true;
    }
}

internal sealed record TopologyPart(IReadOnlyList<CpuPart?>? Cpus);

internal sealed record CpuPart(int? Id, int? Socket, int? Numa, int? Core, int? L3, string? Kind);

internal sealed record GuestPart
{
    public int? Sockets { get; init; }

    public int? Cores { get; init; }

    public int? Threads { get; init; }

    public bool? IsolateEmulatorThread { get; init; }

    public bool? EmulatorThreadCompleteToEvenParity { get; init; }

    public bool? NumaPassthrough { get; init; }

    public int? IoThreads { get; init; }

    public int? SupplementalIoThreads { get; init; }
}

internal sealed record CurrentPart(
    IReadOnlyList<string?>? Vcpus,
    IReadOnlyList<string?>? SupplementalIoThreads,
    string? Emulator
);
