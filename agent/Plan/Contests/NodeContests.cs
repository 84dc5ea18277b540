using System.Collections.Immutable;
using PinAgent.Model.Vm;

namespace PinAgent.Plan.Contests;

/// <summary>The contests with other programs, by VM.</summary>
internal sealed class NodeContests
{
    /// <summary>There are none.</summary>
    public static readonly NodeContests None = new(ImmutableDictionary<VmKey, Contest>.Empty);

    private readonly ImmutableDictionary<VmKey, Contest> _contests;

    private NodeContests(ImmutableDictionary<VmKey, Contest> contests) => _contests = contests;

    /// <summary>These contests.</summary>
    public static NodeContests Of(IEnumerable<KeyValuePair<VmKey, Contest>> contests) =>
        new(contests.Where(vm => vm.Value != Contest.None).ToImmutableDictionary());

    /// <summary>All of them.</summary>
    public IReadOnlyDictionary<VmKey, Contest> All => _contests;

    /// <summary>Whether a manager is waited for.</summary>
    public bool IsPending => _contests.Values.Any(contest => contest.Placing is not null);

    /// <summary>A VM's contest.</summary>
    public Contest Of(VmKey vm) => _contests.GetValueOrDefault(vm, Contest.None);

    /// <summary>With who has set masks of VMs that are fought over, as far as that is known.</summary>
    public NodeContests By(IEnumerable<(VmKey Vm, string By)> writers) =>
        new(
            _contests.SetItems(
                writers
                    .Where(vm => _contests.ContainsKey(vm.Vm))
                    .Select(vm => KeyValuePair.Create(vm.Vm, Of(vm.Vm) with { By = vm.By }))
            )
        );

    /// <summary>With these threads put back now.</summary>
    /// <param name="vms">The VMs, with the threads that were held, and strayed.</param>
    /// <param name="now">The time since the machine's boot.</param>
    public NodeContests With(
        IEnumerable<(VmKey Vm, ImmutableArray<ThreadKey> PutBack)> vms,
        TimeSpan now
    ) =>
        new(
            _contests.SetItems(
                vms.Where(vm => !vm.PutBack.IsEmpty)
                    .Select(vm => KeyValuePair.Create(vm.Vm, Of(vm.Vm).With(vm.PutBack, now)))
            )
        );
}
