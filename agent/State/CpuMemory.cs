using System.Collections.Immutable;
using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;
using PinAgent.Plan.Ownership;

namespace PinAgent.State;

/// <summary>
/// Keeps which CPUs a plain host's VMs were given at their beginning, and which the agent has chosen for them: after its first
/// change neither can be seen any more. It's written before that change, and only when something is new.
/// </summary>
internal sealed class CpuMemory(string path)
{
    private readonly StateFile<CpusFile> _file = new(path, StateJson.Default.CpusFile, version: 1);

    private ImmutableArray<KnownVmCpus> _written = [];
    private Dictionary<VmKey, KnownVmCpus> _found = [];

    /// <summary>What went wrong with the file; null if nothing did.</summary>
    public string? Problem { get; private set; }

    /// <summary>Puts a file that can't be used out of the way.</summary>
    public void SetAsideIfUnusable() => Problem = _file.SetAsideIfUnusable();

    /// <summary>Reads the file. One that isn't there, or can't be understood, holds nothing.</summary>
    public CpuClaims Load()
    {
        try
        {
            _written = [.. (_file.Read()?.Vms ?? []).OfType<KnownVmCpus>()];
            _found = _written.DistinctBy(vm => vm.Key).ToDictionary(vm => vm.Key);
            return CpuClaims.Of(
                _found.Values.Select(vm => KeyValuePair.Create(vm.Key, vm.ToClaim()))
            );
        }
        catch (StateException problem)
        {
            Problem = $"{problem.Message}: which CPUs VMs were given isn't remembered";
            return CpuClaims.None;
        }
    }

    /// <summary>Writes the file, if it would be another than it is.</summary>
    /// <param name="dedicated">
    /// The VMs that the agent pins: of others nothing has to be known. What was found in the file of another stays as it is, for an
    /// agent with other names may pin it: run --once is no reason to forget it.
    /// </param>
    public void Keep(CpuClaims claims, IEnumerable<VmKey> dedicated)
    {
        var kept = dedicated.ToHashSet();
        ImmutableArray<KnownVmCpus> vms =
        [
            .. claims
                .All.Where(vm => kept.Contains(vm.Key) || _found.ContainsKey(vm.Key))
                .OrderBy(vm => vm.Key.Pid)
                .Select(vm =>
                    kept.Contains(vm.Key) ? KnownVmCpus.Of(vm.Key, vm.Value) : _found[vm.Key]
                ),
        ];
        if (vms.SequenceEqual(_written))
        {
            return;
        }

        try
        {
            _file.Write(new CpusFile { Vms = [.. vms] });
            (_written, Problem) = (vms, null);
        }
        catch (StateException problem)
        {
            Problem = $"{problem.Message}: a restarted agent won't know which CPUs VMs were given";
        }
    }
}

internal sealed record CpusFile : VersionedFile
{
    public KnownVmCpus?[]? Vms { get; init; }
}

/// <summary>A VM in the file; lists of CPUs are written as the kernel does.</summary>
internal sealed record KnownVmCpus
{
    public VmKey Key { get; init; }

    public string? InitialMask { get; init; }

    public bool IsEverybodys { get; init; }

    public bool IsPlacedElsewhere { get; init; }

    public string? Vcpus { get; init; }

    public string? Emulator { get; init; }

    public bool EmulatorIsOwn { get; init; }

    public bool WasPlaced { get; init; }

    public static KnownVmCpus Of(VmKey vm, CpuClaim claim) =>
        new()
        {
            Key = vm,
            InitialMask = claim.InitialMask?.ToString(),
            IsEverybodys = claim.IsEverybodys,
            IsPlacedElsewhere = claim.IsPlacedElsewhere,
            Vcpus = claim.Chosen?.Vcpus.ToString(),
            Emulator = claim.Chosen?.Emulator.ToString(),
            EmulatorIsOwn = claim.Chosen?.EmulatorIsOwn ?? false,
            WasPlaced = claim.WasPlaced,
        };

    public CpuClaim ToClaim() =>
        new()
        {
            InitialMask = Parse(InitialMask),
            IsEverybodys = IsEverybodys,
            IsPlacedElsewhere = IsPlacedElsewhere,
            WasPlaced = WasPlaced,
            Chosen = Parse(Vcpus) is { } vcpus
                ? new ChosenCpus(vcpus, Parse(Emulator) ?? CpuSet.Empty, EmulatorIsOwn)
                : null,
        };

    // What can't be understood costs only itself.
    private static CpuSet? Parse(string? text) =>
        text is not null && CpuSet.TryParse(text, out var cpus, out _) && !cpus.IsEmpty
            ? cpus
            : null;
}
