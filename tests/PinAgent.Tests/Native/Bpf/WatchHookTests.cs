using System.Runtime.InteropServices;
using CsCheck;
using PinAgent.NativeInterop;
using PinAgent.NativeInterop.Bpf;
using Xunit;

namespace PinAgent.Tests.Native.Bpf;

/// <summary>Where programs are attached, and what is said where they can't be.</summary>
public sealed class WatchHookTests
{
    // Recorded on Linux 6.18: events/task/task_rename/format.
    private const string Format = """
        name: task_rename
        ID: 204
        format:
        	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
        	field:int common_pid;	offset:4;	size:4;	signed:1;

        	field:pid_t pid;	offset:8;	size:4;	signed:1;
        	field:char oldcomm[16];	offset:12;	size:16;	signed:0;
        	field:char newcomm[16];	offset:28;	size:16;	signed:0;
        	field:unsigned long * user_mask_ptr;	offset:32;	size:8;	signed:0;

        print fmt: "pid=%d oldcomm=%s newcomm=%s", REC->pid, REC->oldcomm, REC->newcomm
        """;

    [Theory]
    [InlineData("pid", 8)]
    [InlineData("newcomm", 28)]
    [InlineData("user_mask_ptr", 32)]
    [InlineData("comm", null)]
    public void A_records_description_says_where_a_field_is(string field, int? offset) =>
        Assert.Equal(offset, TraceFolder.OffsetOf(Format, field));

    [Fact]
    public void No_tracepoint_of_a_system_call_is_used_unless_it_was_asked_for()
    {
        Assert.Empty(WatchHooks.OfMasks(MaskHook.None, Architecture.X64));
        Assert.DoesNotContain(
            WatchHooks.OfMasks(MaskHook.Probe, Architecture.X64),
            hook => hook.Kind == HookKind.Tracepoint
        );
        Assert.Empty(WatchHooks.OfMasks(MaskHook.Probe, Architecture.S390x));
    }

    [Theory]
    [InlineData(MaskHook.Probe, Architecture.X64)]
    [InlineData(MaskHook.Probe, Architecture.Arm64)]
    [InlineData(MaskHook.Syscalls, Architecture.X64)]
    public void A_return_is_watched_before_its_begin(MaskHook masks, Architecture architecture)
    {
        var hooks = WatchHooks.OfMasks(masks, architecture);

        foreach (var pair in hooks.Chunk(2))
        {
            Assert.True(
                pair[0].Program.StartsWith("return", StringComparison.Ordinal)
                    || pair[0].Program == "exit_any"
            );
            Assert.Equal(
                pair[1].Target,
                pair[0].Target.Replace("sys_exit_", "sys_enter_", StringComparison.Ordinal)
            );
        }
    }

    [Theory]
    [InlineData(
        "",
        null,
        Errno.EPERM,
        "BPF programs that see threads need CAP_BPF and CAP_PERFMON"
    )]
    [InlineData(
        "0: R1=ctx\nunknown func bpf_probe_read_kernel#113\nprocessed 12 insns\n",
        null,
        Errno.EINVAL,
        "the kernel's verifier refuses the program renamed: unknown func bpf_probe_read_kernel#113"
    )]
    [InlineData(
        "unknown func bpf_probe_read_kernel#113\n",
        "none integrity [confidentiality]\n",
        Errno.EINVAL,
        "the kernel is locked down for confidentiality, and lets no program read its memory"
    )]
    [InlineData(
        "",
        "none [integrity] confidentiality\n",
        Errno.ENOMEM,
        "the kernel doesn't load the program renamed: no memory for it (ENOMEM)"
    )]
    public void A_refused_program_is_a_reason(
        string log,
        string? lockdown,
        Errno errno,
        string reason
    ) => Assert.Equal(reason, BpfRefusal.OfProgram("renamed", errno, log, lockdown));

    [Theory]
    [InlineData(
        Errno.EPERM,
        "BPF needs CAP_BPF, CAP_PERFMON, and in a container a seccomp profile that lets bpf(2) through"
    )]
    [InlineData(Errno.ENOSYS, "this kernel was built without BPF (CONFIG_BPF_SYSCALL)")]
    [InlineData(
        Errno.EINVAL,
        "this kernel is too old for BPF's ring buffers, which Linux has since 5.8"
    )]
    public void A_refused_map_is_a_reason(Errno errno, string reason) =>
        Assert.Equal(reason, BpfRefusal.OfMap(errno));

    [Fact]
    public void Type_information_that_is_damaged_says_nothing_or_something_and_ends() =>
        Gen
            .Byte.Array[24, 400]
            .Sample(bytes =>
            {
                bytes[0] = 0x9F;
                bytes[1] = 0xEB;
                (bytes[4], bytes[5], bytes[6], bytes[7]) = (24, 0, 0, 0);
                (bytes[10], bytes[11], bytes[14], bytes[15]) = (0, 0, 0, 0);
                (bytes[18], bytes[19], bytes[22], bytes[23]) = (0, 0, 0, 0);
                if (KernelTypes.TryRead(bytes, out var types))
                {
                    _ = WatchLayout.Find(types);
                }

                return true;
            });
}
