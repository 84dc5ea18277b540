using System.Text;
using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;
using PinAgent.Report;
using PinAgent.Report.Cluster;
using PinAgent.Tests.Apply;
using PinAgent.Tests.Report.Changes;
using Xunit;

namespace PinAgent.Tests.Report.Cluster;

public sealed class VmEventTests
{
    [Fact]
    public void A_vm_that_was_put_where_it_belongs_is_Pinned_with_every_move()
    {
        var pinned = Assert.Single(Events(Result(new AppliedVm())));

        Assert.Equal((VmEventKind.Pinned, false), (pinned.Kind, pinned.IsWarning));
        Assert.StartsWith("pinned within CPUs 0-1,8: vcpu 0 (1010) from 0-1,8 to 0, ", pinned.Note);
    }

    [Fact]
    public void A_vm_that_is_found_in_order_makes_no_event() =>
        Assert.Empty(Events(Result(AppliedVm.Pinned())));

    [Fact]
    public void What_was_moved_and_put_back_is_PinningDrifted_with_both_masks()
    {
        var drifted = Assert.Single(
            Events(
                Result(new AppliedVm()) with
                {
                    WasHeld = true,
                },
                after: Result(AppliedVm.Pinned())
            )
        );

        Assert.Equal((VmEventKind.PinningDrifted, true), (drifted.Kind, drifted.IsWarning));
        Assert.Contains("vcpu 1 (1011) from 0-1,8 to 8", drifted.Note);
    }

    /// <summary>A kubelet that has lost its checkpoint does so; the placement is a new one then.</summary>
    [Fact]
    public void A_pinned_vm_whose_cpus_were_changed_is_PinningDrifted_with_the_old_and_the_new()
    {
        var before = Result(AppliedVm.Pinned());
        before = before with { Status = before.Status with { Cpuset = CpuSet.Parse("4-6") } };
        var drifted = Assert.Single(Events(Result(new AppliedVm()), before));

        Assert.Equal(VmEventKind.PinningDrifted, drifted.Kind);
        Assert.StartsWith(
            "its cpuset changed from 4-6 to 0-1,8; pinned within CPUs 0-1,8: vcpu 0 (1010) from 0-1,8 to 0, ",
            drifted.Note
        );
    }

    [Theory]
    [InlineData(VmState.Refused, Reason.NotEnoughCpus, VmEventKind.PinningRefused)]
    [InlineData(VmState.NotExclusive, Reason.CpusetIsSharedPool, VmEventKind.PinningRefused)]
    [InlineData(VmState.PartlyPinned, Reason.PermissionMissing, VmEventKind.PinningFailed)]
    [InlineData(VmState.PartlyPinned, Reason.Narrowed, null)]
    [InlineData(VmState.NotDedicated, Reason.DedicatedCpusNotRequested, null)]
    [InlineData(VmState.Waiting, Reason.AuditMode, null)]
    public void A_vm_that_cant_be_pinned_is_told_once_per_reason(
        VmState state,
        Reason reason,
        VmEventKind? expected
    )
    {
        var vm = Result(AppliedVm.Pinned());
        vm = vm with
        {
            Status = vm.Status with { State = state, Reason = reason, Message = "this and that" },
        };

        var events = Events(vm);
        Assert.Equal(expected, events.Count == 0 ? null : Assert.Single(events).Kind);
        Assert.All(events, one => Assert.Equal($"{reason}: this and that", one.Note));
        Assert.Empty(Events(vm, after: vm));
        Assert.Equal(
            events.Count,
            Events(
                vm,
                after: vm with
                {
                    Status = vm.Status with { Reason = Reason.CpusetEmpty },
                }
            ).Count
        );
    }

    [Theory]
    [InlineData("a")]
    [InlineData("é")]
    [InlineData("😀")]
    public void A_note_fits_into_the_api(string letter)
    {
        var vm = Result(AppliedVm.Pinned());
        var status = vm.Status with
        {
            State = VmState.Refused,
            Reason = Reason.NotEnoughCpus,
            Message = string.Concat(Enumerable.Repeat(letter, 2000)),
        };
        var note = Assert.Single(Events(vm with { Status = status })).Note;

        Assert.InRange(Encoding.UTF8.GetByteCount(note), 1015, VmEvent.LongestNote);
        Assert.EndsWith($"{letter}…", note, StringComparison.Ordinal);
    }

    private static List<VmEvent> Events(VmPassResult vm, VmPassResult? after = null) =>
        [.. PassChanges.Of(vm, after).Select(VmEvent.Of).OfType<VmEvent>()];

    private static VmPassResult Result(AppliedVm vm)
    {
        var outcome = vm.Apply();
        return new VmPassResult(outcome, WasHeld: false);
    }
}
