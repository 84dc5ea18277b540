using System.Collections.Immutable;
using PinAgent.Model.Changes;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Report.Changes;
using PinAgent.Report.Status;

namespace PinAgent.Report.Waits;

/// <summary>
/// How long the vCPUs of a node have waited for their CPUs in the last ten minutes. Reading is bounded: two hundred threads
/// each five seconds, and where there are more they take turns. So is memory: 400 bytes a vCPU, of 2,048 at most. Safe for
/// use by several threads.
/// </summary>
/// <param name="read">Reads the wait of a process's thread in nanoseconds since its start; null if it can't be had.</param>
/// <param name="keep">Is told which threads are followed from now on; null where nobody asks.</param>
internal sealed class WaitHistory(
    Func<int, int, ulong?> read,
    TimeProvider time,
    Action<IReadOnlySet<(int Pid, int Tid)>>? keep = null
)
{
    /// <summary>The time between two samples.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromSeconds(5);

    /// <summary>The threads that are read in one sample.</summary>
    public const int ReadsPerTurn = 200;

    /// <summary>The vCPUs that are remembered.</summary>
    public const int MostVcpus = 2048;

    private const int Minute = 12;

    private readonly Lock _lock = new();
    private readonly Dictionary<(int Pid, int Tid), WaitSeries> _series = [];
    private NodeStatus? _of;
    private ImmutableArray<int> _pids = [];
    private IReadOnlyList<IReadOnlyList<int>> _vcpus = [];
    private readonly Dictionary<(int Pid, string Namespace, string Name), SlowStatus> _slow = [];
    private (ImmutableArray<CpuTaker> Takers, long At) _seen = ([], 0);
    private (long Turn, DateTimeOffset At)? _last;
    private long? _first;

    /// <summary>A history that has nothing.</summary>
    public static WaitHistory None { get; } = new((_, _) => null, TimeProvider.System);

    /// <summary>Another object after each sample.</summary>
    public object Stamp { get; private set; } = new();

    /// <summary>Whether nobody was disturbed in the last sample: then there's nothing to judge.</summary>
    public bool IsCalm { get; private set; } = true;

    /// <summary>Takes a sample of the vCPUs of a status.</summary>
    public void Sample(NodeStatus status)
    {
        lock (_lock)
        {
            if (!ReferenceEquals(_of, status))
            {
                Follow(status);
            }

            var turn = time.GetElapsedTime(0).Ticks / Period.Ticks;
            IsCalm = true;
            foreach (var (vm, tid) in Next(turn))
            {
                var series = _series[(_pids[vm], tid)];
                series.Take(turn, time.GetElapsedTime(0), read(_pids[vm], tid));
                IsCalm &= series.Share is null or < WaitWords.Disturbed;
            }

            _first ??= turn;
            _last = (turn, time.GetUtcNow());
            Stamp = new();
        }
    }

    /// <summary>Takes in who was just seen running where vCPUs wait.</summary>
    public void See(ImmutableArray<CpuTaker> takers)
    {
        lock (_lock)
        {
            _seen = (takers, time.GetTimestamp());
            Stamp = new();
        }
    }

    /// <summary>Takes in that a VM became slow, or isn't any more.</summary>
    /// <param name="change">Now, or before the agent's start.</param>
    public void Tell(VmChange change)
    {
        lock (_lock)
        {
            var vm = (change.Pid, change.Namespace, change.Name);
            var before = _slow.GetValueOrDefault(vm);
            var isEnd = change.Kind == VmChangeKind.WaitEnded;
            if (before is null && _slow.Count >= MostVcpus)
            {
                return;
            }

            _slow[vm] = new SlowStatus(
                before is { Until: null } ? before.From : change.At,
                isEnd ? change.At : null,
                ChangeText.Waited(change)
            );
            Stamp = new();
        }
    }

    /// <summary>Forgets of which VMs the agent before has said no end: when it was is unknown.</summary>
    public void ForgetUnended()
    {
        lock (_lock)
        {
            foreach (var vm in _slow.Where(vm => vm.Value.Until is null).ToList())
            {
                _slow.Remove(vm.Key);
            }
        }
    }

    /// <summary>A status with the waits as they were at the last sample.</summary>
    public NodeStatus Add(NodeStatus status)
    {
        lock (_lock)
        {
            if (_last is not var (turn, at) || turn == _first)
            {
                return status;
            }

            var seconds = (int)Math.Min(60, (turn - _first!.Value) * Period.TotalSeconds);
            return status with
            {
                Waits = new WaitsStatus(at, seconds) { Ran = Ran(status) },
                Vms = [.. status.Vms.Select(vm => Add(vm, turn))],
            };
        }
    }

    /// <summary>Ten minutes of the vCPUs, or fewer turns, by thread, the oldest first; none of those that aren't known.</summary>
    public WaitPicture Picture(int turns = WaitSeries.Turns)
    {
        lock (_lock)
        {
            return _last is var (turn, _)
                ? new WaitPicture(
                    _series.ToDictionary(
                        one => one.Key,
                        one => one.Value.Last(turn, turns).ToArray()
                    )
                )
                : WaitPicture.None;
        }
    }

    private ImmutableArray<RanStatus> Ran(NodeStatus status)
    {
        if (_seen.Takers.IsEmpty || time.GetElapsedTime(_seen.At) > TimeSpan.FromMinutes(1))
        {
            return [];
        }

        var names = status.Vms.ToLookup(vm => vm.Pid, vm => $"{vm.Namespace}/{vm.Name}");
        return
        [
            .. _seen.Takers.Select(taker => new RanStatus(
                taker.Cpu,
                taker.Pid,
                names[taker.Pid].FirstOrDefault() ?? taker.Comm,
                Math.Round(taker.Share, 4)
            )),
        ];
    }

    private VmStatus Add(VmStatus vm, long turn) =>
        vm with
        {
            Slow = _slow.GetValueOrDefault((vm.Pid, vm.Namespace, vm.Name)),
            Threads =
            [
                .. vm.Threads.Select(thread =>
                    _series.TryGetValue((vm.Pid, thread.Tid), out var series)
                    && series.Share is { } share
                        ? thread with
                        {
                            Wait = new VcpuWait(
                                share,
                                Math.Round(series.Mean(turn, Minute)!.Value, 4)
                            ),
                        }
                        : thread
                ),
            ],
        };

    // Where there are too many, those that have waited longest come first, whatever somebody else begins and ends meanwhile.
    private IReadOnlyList<(int Vm, int Vcpu)> Next(long turn)
    {
        if (_series.Count <= ReadsPerTurn)
        {
            return WaitDeal.Of(_vcpus, 0, ReadsPerTurn);
        }

        return WaitDeal.Of(
            [
                .. _vcpus
                    .Index()
                    .Select(vm =>
                        vm.Item.OrderBy(tid => _series[(_pids[vm.Index], tid)].Sampled).ToList()
                    ),
            ],
            (int)(turn * ReadsPerTurn % _vcpus.Count),
            ReadsPerTurn
        );
    }

    // Whoever came last has no fewer places than who was first.
    private void Follow(NodeStatus status)
    {
        _of = status;
        _pids = [.. status.Vms.Select(vm => vm.Pid)];
        var kept = WaitDeal
            .Of(
                [
                    .. status.Vms.Select(vm =>
                        vm.Threads.Where(thread =>
                                thread is { Role: ThreadRole.Vcpu, Actual: not null }
                            )
                            .Select(thread => thread.Tid)
                            .ToList()
                    ),
                ],
                0,
                MostVcpus
            )
            .ToLookup(one => one.Vm, one => one.Vcpu);
        _vcpus = [.. _pids.Index().Select(vm => kept[vm.Index].ToList())];
        var keys = kept.SelectMany(vm => vm.Select(tid => (_pids[vm.Key], tid))).ToHashSet();
        foreach (var gone in _series.Keys.Where(key => !keys.Contains(key)).ToList())
        {
            _series.Remove(gone);
        }

        foreach (var key in keys)
        {
            _series.TryAdd(key, new WaitSeries());
        }

        foreach (var gone in _slow.Keys.Where(vm => !_pids.Contains(vm.Pid)).ToList())
        {
            _slow.Remove(gone);
        }

        keep?.Invoke(keys);
    }
}
