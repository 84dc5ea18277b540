using System.Runtime.CompilerServices;
using PinAgent.NativeInterop;
using PinAgent.NativeInterop.Bpf;
using PinAgent.NativeInterop.Bpf.Witness;
using Xunit;

namespace PinAgent.Tests.Native.Bpf;

/// <summary>The committed object of the witness.</summary>
public sealed class WitnessObjectTests
{
    private static readonly BpfObject Code = BpfLoader.ReadObject("prove.bpf.o");

    [Fact]
    public void Every_program_is_attached_somewhere_and_every_hook_has_its_program()
    {
        Assert.Equal(
            SchedulingWitness.Hooks.Select(hook => hook.Program).Distinct().Order(),
            Code.Programs.Keys.Order()
        );
        Assert.All(
            Code.Programs.Values,
            program => Assert.Equal(BpfProgramType.RawTracepoint, program.Type)
        );
    }

    [Fact]
    public void The_objects_records_are_as_long_as_they_are_read_here()
    {
        Assert.Equal(Unsafe.SizeOf<WitnessLayout.Settings>(), Value("settings"));
        Assert.Equal(Unsafe.SizeOf<WitnessLayout.Vcpu>(), Value("vcpus"));
        Assert.Equal(Unsafe.SizeOf<WitnessLayout.Cpu>(), Value("cpus"));
        Assert.Equal(Unsafe.SizeOf<WitnessLayout.Stretches>(), Value("processes"));
        Assert.Equal(Unsafe.SizeOf<WitnessLayout.Process>(), (int)Code.Maps["processes"].KeyLength);
        Assert.Equal((uint)WitnessLayout.MostKnown, Code.Maps["processes"].Entries);

        static int Value(string map) => (int)Code.Maps[map].ValueLength;
    }

    // What a VM's proof takes of the kernel's memory depends on the VM and the machine, and on no tenant's threads.
    [Fact]
    public void Maps_are_as_large_as_the_VM_and_the_machine()
    {
        var maps = SchedulingWitness.Sized(Code, new([(101, 2), (102, null), (103, 4)], 8)).Maps;

        Assert.Equal((3u, 3u), (maps["vcpus"].Entries, maps["numbers"].Entries));
        Assert.Equal(8u, maps["cpus"].Entries);
        Assert.Equal(2u * WitnessLayout.MostKnown, maps["processes"].Entries);
        Assert.Equal(1u, maps["settings"].Entries);
        Assert.InRange(Unsafe.SizeOf<WitnessLayout.Vcpu>(), 1, 6 * 1024);

        var posing = Enumerable.Range(1, 100_000).Select(tid => (tid, (int?)(tid % 5000)));
        maps = SchedulingWitness.Sized(Code, new([.. posing], 5000)).Maps;
        Assert.Equal((4096u, 4096u), (maps["vcpus"].Entries, maps["numbers"].Entries));
        Assert.Equal(64u * 1024, maps["processes"].Entries);
    }

    [Fact]
    public void What_the_programs_cost_is_told_by_those_runs_that_were_timed()
    {
        Assert.Equal(0UL, WitnessMaps.CostOf(new() { Events = 16 }));
        Assert.Equal(
            1700UL * (100 + 60),
            WitnessMaps.CostOf(
                new()
                {
                    Events = 1700,
                    Timed = 100,
                    Cost = 10_000,
                }
            )
        );
    }

    [Theory]
    [InlineData(Errno.ENOENT, "this kernel has no tracepoint sched_switch")]
    [InlineData(Errno.EINVAL, "this kernel's tracepoint sched_switch tells less than Linux 5.18's")]
    [InlineData(
        Errno.EPERM,
        "no program can be attached to sched_switch: operation not permitted (EPERM)"
    )]
    public void A_refused_tracepoint_is_a_sentence(Errno errno, string reason) =>
        Assert.Equal(reason, BpfRefusal.OfTracepoint("sched_switch", errno), ignoreCase: true);
}
