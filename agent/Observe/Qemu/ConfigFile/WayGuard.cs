using PinAgent.NativeInterop;
using PinAgent.NativeInterop.Files;
using PinAgent.Observe.Proc;

namespace PinAgent.Observe.Qemu.ConfigFile;

/// <summary>
/// How far the agent goes to a file that a process's command line names. Anybody's process has one: it may lead to a file
/// system whose server or program never answers, and the agent would wait with it. So a mount's type is looked up in the
/// kernel's table before the kernel is sent there, and only file systems of this machine alone are entered.
/// </summary>
/// <param name="mounts">What is mounted where.</param>
/// <param name="isHosts">Whether those are the host's own mounts, rather than a container's.</param>
/// <param name="rights">What the process may read.</param>
/// <param name="wasRoot">Whether it says to have begun as root and to have given that away.</param>
internal sealed class WayGuard(MountTable mounts, bool isHosts, ProcessRights rights, bool wasRoot)
    : IWalkGuard
{
    private static readonly HashSet<string> LocalTypes =
    [
        "bcachefs",
        "btrfs",
        "erofs",
        "ext2",
        "ext3",
        "ext4",
        "f2fs",
        "ramfs",
        "rootfs",
        "squashfs",
        "tmpfs",
        "xfs",
        "zfs",
    ];

    private bool _isItsOwn = true;
    private bool _isRoots = true;

    /// <inheritdoc/>
    public ulong? MountAt(string path, ulong folderMount)
    {
        var found = folderMount;
        foreach (var (id, type) in mounts.At(path, folderMount))
        {
            if (!IsLocal(type))
            {
                return null;
            }

            found = id;
        }

        return found;
    }

    /// <inheritdoc/>
    public LinuxResult Judge(PlaceStatus place)
    {
        // Incus's QEMU reads the file as root, whose it is, and then becomes nobody.
        _isItsOwn &= rights.MayUse(place);
        _isRoots &= ProcessRights.IsRootsAlone(place);
        return _isItsOwn || (wasRoot && isHosts && _isRoots)
            ? LinuxResult.Success
            : new LinuxResult(Errno.EACCES);
    }

    /// <summary>Whether the root may be opened: every mount that is it, or beneath it, is local.</summary>
    public bool MayOpenRoot =>
        mounts.Roots.Count > 0 && mounts.Roots.TrueForAll(root => IsLocal(root.Type));

    /// <summary>Whether a root is the one that the table tells of.</summary>
    public bool IsRoot(PlaceStatus root) => mounts.RootType(root.MountId) is not null;

    // A container's layers may come from a network as they are read; those of an image that the host runs from don't.
    private bool IsLocal(string type) =>
        LocalTypes.Contains(type) || (isHosts && type == "overlay");
}
