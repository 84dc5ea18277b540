using System.Buffers.Text;
using System.Globalization;
using PinAgent.Model.Vm;
using PinAgent.Observe.Files;

namespace PinAgent.Observe.Qemu;

/// <summary>
/// Tells vCPU threads whose names say nothing: a thread inside <c>ioctl(KVM_RUN)</c> shows the vCPU's file descriptor in
/// <c>/proc/&lt;pid&gt;/task/&lt;tid&gt;/syscall</c>, and <c>/proc/&lt;pid&gt;/fd/&lt;fd&gt;</c> reads <c>anon_inode:kvm-vcpu:&lt;n&gt;</c>.
/// A thread that is just running, or whose guest is paused, shows nothing: what was seen is remembered until every vCPU
/// has been seen once. Needs CAP_SYS_PTRACE.
/// </summary>
internal sealed class KvmVcpuFiles(HostFiles files)
{
    // ioctl(2) is 16 on x86-64 and 29 on arm64; KVM_RUN is _IO(KVMIO, 0x80) of linux/kvm.h.
    private const long KvmRun = 0xae80;

    private readonly Dictionary<VmKey, Dictionary<(int Tid, ulong Start), int>> _seen = [];
    private readonly List<int> _descriptors = [];

    /// <summary>Looks once at the threads of a VM.</summary>
    /// <param name="guest">What the command line says of the guest.</param>
    /// <param name="threads">Its threads, those that the kernel named left out.</param>
    /// <param name="vcpuOf">The vCPU of each thread that is one, once all are known.</param>
    /// <returns>Why they aren't all known; null if they are.</returns>
    public Standing? TryRecognise(
        VmKey vm,
        GuestCpus guest,
        IReadOnlyCollection<VmThread> threads,
        out IReadOnlyDictionary<int, int> vcpuOf
    )
    {
        vcpuOf = new Dictionary<int, int>();
        var most = Math.Min(guest.Full.Vcpus, Bounds.Vcpus) + Bounds.Descriptors;
        var listed = files.ListNumbers($"/proc/{vm.Pid}/fd", _descriptors, most);
        if (!listed.IsSuccess)
        {
            return Unnamed(
                $"and its open files can't be looked at ({listed.ToException($"/proc/{vm.Pid}/fd").Message}; "
                    + "CAP_SYS_PTRACE helps)"
            );
        }

        var vcpuOfDescriptor = new Dictionary<int, int>();
        foreach (var descriptor in _descriptors)
        {
            if (
                files.ReadLink($"/proc/{vm.Pid}/fd/{descriptor}", out var target).IsSuccess
                && TryParseTarget(target, out var vcpu)
            )
            {
                vcpuOfDescriptor[descriptor] = vcpu;
            }
        }

        if (vcpuOfDescriptor.Count == 0)
        {
            return Unnamed(
                _descriptors.Count < most
                    ? "and it doesn't use KVM"
                    : $"and no vCPU is among its first {most} open files"
            );
        }

        if (!_seen.TryGetValue(vm, out var seen))
        {
            _seen[vm] = seen = [];
        }

        foreach (var thread in threads)
        {
            if (
                files.Read($"/proc/{vm.Pid}/task/{thread.Tid}/syscall", out var call).IsSuccess
                && TryParseKvmRun(call, out var descriptor)
                && vcpuOfDescriptor.TryGetValue(descriptor, out var vcpu)
            )
            {
                seen[(thread.Tid, thread.StartTime)] = vcpu;
            }
        }

        var alive = threads.Select(thread => (thread.Tid, thread.StartTime)).ToHashSet();
        foreach (var gone in seen.Keys.Where(thread => !alive.Contains(thread)).ToList())
        {
            seen.Remove(gone);
        }

        if (seen.Values.Distinct().Count() < seen.Count)
        {
            var twice = seen.GroupBy(pair => pair.Value).First(group => group.Count() > 1).Key;
            seen.Clear();
            return Standing.Unclear(
                Reason.VcpuThreadsAmbiguous,
                $"two threads of QEMU run vCPU {twice}; looking again at the next pass"
            );
        }

        var missing = vcpuOfDescriptor.Values.Distinct().Count() - seen.Count;
        if (missing > 0)
        {
            return Unnamed(
                $"and {missing} of {vcpuOfDescriptor.Count} vCPUs haven't been seen running yet; looking again at the "
                    + "next pass"
            );
        }

        vcpuOf = seen.ToDictionary(pair => pair.Key.Tid, pair => pair.Value);
        return null;
    }

    /// <summary>Forgets the VMs that are no longer there.</summary>
    public void Forget(IReadOnlySet<VmKey> alive)
    {
        foreach (var gone in _seen.Keys.Where(vm => !alive.Contains(vm)).ToList())
        {
            _seen.Remove(gone);
        }
    }

    /// <summary>Reads a descriptor's target: <c>anon_inode:kvm-vcpu:3</c>.</summary>
    internal static bool TryParseTarget(ReadOnlySpan<byte> target, out int vcpu)
    {
        var prefix = "anon_inode:kvm-vcpu:"u8;
        vcpu = 0;
        return target.StartsWith(prefix)
            && int.TryParse(
                target[prefix.Length..],
                NumberStyles.None,
                CultureInfo.InvariantCulture,
                out vcpu
            );
    }

    /// <summary>Reads a syscall line: <c>16 0x1c 0xae80 0x0 0x0 0x0 0x0 0x7ffe 0x7f12</c>, or <c>running</c>.</summary>
    internal static bool TryParseKvmRun(ReadOnlySpan<byte> line, out int descriptor)
    {
        descriptor = 0;
        long fd = 0;
        long request = 0;
        var index = 0;
        foreach (var range in line.Split((byte)' '))
        {
            var field = line[range];
            var isExpected = index++ switch
            {
                0 => field.SequenceEqual("16"u8) || field.SequenceEqual("29"u8),
                1 => TryParseHex(field, out fd),
                2 => TryParseHex(field, out request),
                _ => true,
            };
            if (!isExpected)
            {
                return false;
            }
        }

        if (index < 3 || request != KvmRun || fd is < 0 or > int.MaxValue)
        {
            return false;
        }

        descriptor = (int)fd;
        return true;
    }

    private static bool TryParseHex(ReadOnlySpan<byte> text, out long number)
    {
        number = 0;
        return text.StartsWith("0x"u8)
            && Utf8Parser.TryParse(text[2..], out number, out var length, 'x')
            && length == text.Length - 2;
    }

    private static Standing Unnamed(string why) =>
        Standing.Unclear(
            Reason.ThreadsUnnamed,
            $"QEMU's threads have no names, {why}; start it with -name …,debug-threads=on, as libvirt does (QEMU 11 and later name them always)"
        );
}
