using System.Collections.Immutable;
using PinAgent.Apply;
using PinAgent.Model.Vm;
using PinAgent.NativeInterop;
using PinAgent.Plan;
using PinAgent.Report;
using PinAgent.Report.Metrics;
using PinAgent.Tests.Plan;
using Xunit;

namespace PinAgent.Tests.Report.Metrics;

/// <summary>From a thread's name to its mask.</summary>
public sealed class PinTimesTests
{
    private const int Vcpu = Vms.FirstPid + 10;

    private readonly VmPlan _plan = new Node().PassOne(
        Vms.Vm("db1", "0-1", new GuestTopology(1, 1, 1))
    );

    [Fact]
    public void A_thread_that_the_pass_has_pinned_counts_until_then()
    {
        Assert.Equal([TimeSpan.FromMilliseconds(9)], After(null, Named(Vcpu)));
    }

    [Fact]
    public void One_that_was_pinned_before_the_pass_counts_until_that_moment()
    {
        var atOnce = new Dictionary<int, TimeSpan> { [Vcpu] = TimeSpan.FromMilliseconds(3) };

        Assert.Equal([TimeSpan.FromMilliseconds(2)], After(atOnce, Named(Vcpu)));
    }

    [Fact]
    public void A_process_that_begins_has_got_no_name()
    {
        Assert.Empty(After(null, Named(Vms.FirstPid) with { IsProgram = true }));
    }

    [Fact]
    public void Another_of_QEMUs_threads_is_none_of_those_that_the_guest_waits_for()
    {
        var monitor = Vms.Thread(Vcpu + 5, ThreadRole.Helper, null, null);
        Assert.Empty(
            After(null, Named(monitor.Tid), _plan.Threads.Add(new PlannedThread(monitor, null)))
        );
    }

    private static NamedThread Named(int tid) => new(tid, Vms.FirstPid, 1_000_000);

    private IReadOnlyList<TimeSpan> After(
        IReadOnlyDictionary<int, TimeSpan>? atOnce,
        NamedThread named,
        ImmutableArray<PlannedThread>? threads = null
    ) =>
        new PinTimes().After(
            [named],
            [
                new VmPassResult(
                    new VmOutcome(
                        _plan,
                        [
                            .. (threads ?? _plan.Threads).Select(thread => new PinOutcome(
                                thread,
                                Outcome.Applied,
                                thread.Wanted
                            )),
                        ]
                    ),
                    WasHeld: false
                ),
            ],
            TimeSpan.FromMilliseconds(10),
            atOnce
        );
}
