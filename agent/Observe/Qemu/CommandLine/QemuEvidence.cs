using PinAgent.NativeInterop;
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
    /// <param name="failed">Why it can't be told that it's none, for want of something of the agent's; none where it can.</param>
    public bool IsQemu(int pid, bool isCalledQemu, int threads, out Errno failed)
    {
        failed = Errno.None;
        // Another user's executable can be read with CAP_SYS_PTRACE only: unreadable doesn't speak against it. The kernel
        // marks the file of a QEMU that was started before its package was updated.
        var deleted = " (deleted)"u8;
        var executable = files.ReadLink($"/proc/{pid}/exe", out var target);
        if (
            executable.IsSuccess
                ? QemuCommandLine.IsQemuName(
                    target.EndsWith(deleted) ? target[..^deleted.Length] : target
                )
                : isCalledQemu
        )
        {
            return true;
        }

        if (threads < FewestThreads)
        {
            return false;
        }

        if (HasKvm(pid, out failed) || LooksLikeQemu(pid))
        {
            failed = Errno.None;
            return true;
        }

        failed = executable.Errno.MeansShortage() ? executable.Errno : failed;
        return false;
    }

    private bool HasKvm(int pid, out Errno failed)
    {
        var listed = files.ListNumbers($"/proc/{pid}/fd", _descriptors, Bounds.FirstDescriptors);
        failed = listed.Errno.MeansShortage() ? listed.Errno : Errno.None;
        foreach (var descriptor in _descriptors)
        {
            var read = files.ReadLink($"/proc/{pid}/fd/{descriptor}", out var target);
            if (target.StartsWith("anon_inode:kvm-v"u8))
            {
                return true;
            }

            failed = read.Errno.MeansShortage() ? read.Errno : failed;
        }

        return false;
    }

    private bool LooksLikeQemu(int pid) =>
        files
            .ReadPrefix($"/proc/{pid}/cmdline", Bounds.Introduction, out var arguments, out _)
            .IsSuccess && QemuCommandLine.HasMostlyQemuOptions(arguments);
}
