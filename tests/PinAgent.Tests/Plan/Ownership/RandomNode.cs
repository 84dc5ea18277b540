using System.Collections.Immutable;
using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Plan;
using PinAgent.Plan.Ownership;

namespace PinAgent.Tests.Plan.Ownership;

/// <summary>A plain host drawn at random, to which something happens before every pass.</summary>
internal sealed partial class RandomNode
{
    private static readonly string[] Machines =
    [
        "(0)",
        "(0,1)",
        "(0)(1)(2)(3)",
        "(0,4)(1,5)(2,6)(3,7)",
        "(0,1)(2,3)|(4,5)(6,7)(8,9)",
        "(0,8)(1,9)(2,10)(3,11)(4,12)(5,13)(6,14)(7,15)",
        "(0,8)(1,9)(2,10)(3,11)|(4,12)(5,13)(6,14)(7,15)",
    ];

    private static readonly GuestTopology[] Guests =
    [
        new(1, 1, 1),
        new(1, 1, 2),
        new(1, 2, 2),
        new(2, 1, 1),
        new(1, 3, 1),
        new(1, 1, 4),
    ];

    private readonly int _seed;
    private readonly Random _random;
    private readonly NodeTopology _whole;
    private readonly string? _initMask;
    private readonly CpuSet _isolated;
    private readonly List<ObservedVm> _vms = [];
    private readonly List<string> _story = [];
    private NodeTopology _topology;
    private PlanSettings _settings;
    private PlanMemory _memory = PlanMemory.None;
    private int _pid = 1000;
    private int _tid = 100_000;
    private TimeSpan _now = TimeSpan.FromSeconds(100_000);

    public RandomNode(int seed)
    {
        _seed = seed;
        _random = new Random(seed);
        _whole = Nodes.Parse(Pick(Machines));
        _isolated = Chance(5) ? Some(_whole.Online) : CpuSet.Empty;
        _initMask = Chance(8) ? Some(_whole.Online).ToString() : null;
        _topology = Without(CpuSet.Empty);
        _settings = new PlanSettings(
            Chance(3)
                ? []
                :
                [
                    .. Enumerable
                        .Range(0, _random.Next(1, 5))
                        .Select(i => new NamedGuest(
                            Chance(4)
                                ? $"{(char)('a' + i)}={(Chance(8) ? CpuSet.Of(0, 100) : Some(_whole.Online))}"
                                : $"{(char)('a' + i)}"
                        )),
                ],
            []
        );
        for (var i = _random.Next(1, 4); i > 0; i--)
        {
            Begin();
        }
    }

    public void Run(int passes)
    {
        for (var pass = 0; pass < passes; pass++)
        {
            var vms = _vms.ToArray();
            var plans = Plan(vms);
            Check(plans);
            var again = Plan(vms);
            Check(again, before: plans, emulators: false);
            plans = again;
            for (var i = 0; i < _vms.Count; i++)
            {
                // What the agent does, unless it may only look.
                if (!Chance(8))
                {
                    _vms[i] = Pinned(_vms[i], plans[i]);
                }
            }

            Check(Plan([.. _vms]), before: plans);
            for (var i = _random.Next(0, 3); i > 0; i--)
            {
                Happen();
            }
        }
    }

    private ImmutableArray<VmPlan> Plan(ObservedVm[] vms)
    {
        var snapshot = new NodeSnapshot(
            _topology,
            [.. vms],
            new CpuManagerObservation(CpuManagerState.None, null, [])
        )
        {
            InitMask = _initMask is null ? null : CpuSet.Parse(_initMask),
        };
        try
        {
            (var plan, _memory) = NodePlanner.Plan(snapshot, _settings, _memory, _now);
            return plan.Vms;
        }
        catch (Exception problem)
        {
            throw Fail($"{problem}");
        }
    }

    private void Happen()
    {
        var at = _vms.Count == 0 ? -1 : _random.Next(_vms.Count);
        switch (at < 0 ? 0 : _random.Next(14))
        {
            case 0 or 1:
                Begin();
                break;
            case 2:
                Tell($"{_vms[at].GuestName} ends");
                _vms.RemoveAt(at);
                break;
            case 3:
                var off = Chance(2) ? CpuSet.Empty : Some(_whole.Online);
                if (off.Equals(_whole.Online))
                {
                    break;
                }

                _topology = Without(off);
                Tell($"offline {off}");
                if (!Chance(4))
                {
                    for (var i = 0; i < _vms.Count; i++)
                    {
                        _vms[i] = Narrowed(_vms[i]);
                    }
                }

                break;
            case 4:
                var given = Some(_whole.Online);
                _vms[at] = Narrowed(_vms[at] with { GivenCpuset = given, Cpuset = given });
                Tell($"{_vms[at].GuestName} gets cpuset {given}");
                break;
            case 5:
                _vms[at] = Narrowed(
                    _vms[at] with
                    {
                        GivenCpuset = null,
                        Cpuset = _topology.Online,
                    }
                );
                Tell($"{_vms[at].GuestName} loses its cpuset");
                break;
            case 6:
                _vms[at] = InOwn(_vms[at]);
                Tell($"{_vms[at].GuestName} in own cgroups");
                break;
            case 7:
                var vm = _vms[at];
                _vms[at] = vm with
                {
                    Threads =
                    [
                        .. vm.Threads.Select(thread =>
                            Chance(2)
                                ? thread with
                                {
                                    Affinity = Some(
                                        thread.OwnCpuset ?? vm.Cpuset ?? _topology.Online
                                    ),
                                }
                                : thread
                        ),
                    ],
                };
                Tell($"{vm.GuestName} masks");
                break;
            case 8:
                var boot = _random.Next(0, _vms[at].Guest.Full.Vcpus + 1);
                var count = _vms[at].Threads.Count(thread => thread.Role == ThreadRole.Vcpu);
                _vms[at] = boot < count ? _vms[at].Without(_random.Next(count)) : Plugged(_vms[at]);
                Tell($"{_vms[at].GuestName} plugs");
                break;
            case 9:
                _vms[at] = _vms[at] with { Cpuset = null };
                Tell($"{_vms[at].GuestName} unreadable");
                break;
            case 10:
                _now += TimeSpan.FromSeconds(_random.Next(1000));
                Tell($"time {_now}");
                break;
            case 11:
                _memory = PlanMemory.None with { Cpus = Chance(2) ? _memory.Cpus : CpuClaims.None };
                Tell("restart");
                break;
            case 12:
                _settings = _settings with { Released = Chance(2) ? [] : [_vms[at].Key] };
                Tell("release");
                break;
            default:
                _vms[at] = Narrowed(
                    _vms[at] with
                    {
                        Cpuset = _vms[at].GivenCpuset ?? _topology.Online,
                    }
                );
                Tell($"{_vms[at].GuestName} readable");
                break;
        }
    }

    private NodeTopology Without(CpuSet off) =>
        new(_whole.Cpus.Where(cpu => !off.Contains(cpu.Id)), offline: off, isolated: _isolated);

    private static CpuSet Within(CpuSet set, CpuSet outer) =>
        set.Intersect(outer) is { IsEmpty: false } both ? both : outer;

    private CpuSet Some(CpuSet of)
    {
        if (Chance(3))
        {
            return One(of);
        }

        var some = CpuSet.Of(of.Where(_ => Chance(2)));
        return some.IsEmpty ? One(of) : some;
    }

    private CpuSet One(CpuSet of) => CpuSet.Of(of.ElementAt(_random.Next(of.Count)));

    private T Pick<T>(T[] all) => all[_random.Next(all.Length)];

    private bool Chance(int oneIn) => _random.Next(oneIn) == 0;

    private void Tell(string what) => _story.Add(what);
}
