using PinAgent.Observe.Files;

namespace PinAgent.Observe.Qemu.CommandLine;

/// <summary>
/// Tells a QEMU whose threads have no names from other programs with such options: by its executable, by KVM's descriptors,
/// and where neither can be seen by how much it looks like one. Proxmox calls it <c>kvm</c>, others what they like.
/// </summary>
internal sealed class QemuEvidence(HostFiles files)
{
    // The main loop, one for RCU, one vCPU. A wrapper that waits for its QEMU has its options too, and one thread.
    private const int FewestThreads = 3;

    private readonly List<int> _descriptors = [];

    /// <summary>Whether a process that has QEMU's name or options is one.</summary>
    /// <param name="isCalledQemu">Whether it has the name.</param>
    /// <param name="threads">How many threads were found.</param>
    public bool IsQemu(int pid, bool isCalledQemu, int threads)
    {
        // Another user's executable can be read with CAP_SYS_PTRACE only: unreadable doesn't speak against it. The kernel
        // marks the file of a QEMU that was started before its package was updated.
        var deleted = " (deleted)"u8;
        var hasExecutable = files.ReadLink($"/proc/{pid}/exe", out var target).IsSuccess;
        if (
            hasExecutable
                ? QemuCommandLine.IsQemuName(
                    target.EndsWith(deleted) ? target[..^deleted.Length] : target
                )
                : isCalledQemu
        )
        {
            return true;
        }

        return threads >= FewestThreads && (HasKvm(pid) || LooksLikeQemu(pid));
    }

    private bool HasKvm(int pid)
    {
        files.ListNumbers($"/proc/{pid}/fd", _descriptors, Bounds.FirstDescriptors);
        foreach (var descriptor in _descriptors)
        {
            if (
                files.ReadLink($"/proc/{pid}/fd/{descriptor}", out var target).IsSuccess
                && target.StartsWith("anon_inode:kvm-v"u8)
            )
            {
                return true;
            }
        }

        return false;
    }

    private bool LooksLikeQemu(int pid) =>
        files
            .ReadPrefix($"/proc/{pid}/cmdline", Bounds.Introduction, out var arguments, out _)
            .IsSuccess && QemuCommandLine.HasMostlyQemuOptions(arguments);
}
