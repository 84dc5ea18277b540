namespace PinAgent.NativeInterop.Files;

/// <summary>What a place is and whose, as the kernel knows it: no server and no program behind a file system is asked.</summary>
/// <param name="Mode">Kind and rights, as in inode(7).</param>
/// <param name="Size">In bytes.</param>
/// <param name="MountId">The mount it's on, as <c>mountinfo</c> numbers them.</param>
public readonly record struct PlaceStatus(uint Mode, uint Uid, uint Gid, ulong Size, ulong MountId)
{
    private const uint KindMask = 0xF000;

    // struct statx of linux/stat.h, in words of four bytes.
    private const int UidWord = 5;
    private const int GidWord = 6;
    private const int ModeWord = 7;
    private const int SizeWord = 10;
    private const int MountWord = 36;

    // STATX_TYPE, _MODE, _UID, _GID, _SIZE, and _MNT_ID, which there is since Linux 5.8.
    private const uint Wanted = 0x0001 | 0x0002 | 0x0008 | 0x0010 | 0x0200 | 0x1000;

    // AT_EMPTY_PATH, AT_STATX_DONT_SYNC.
    private const int ItselfAsKnown = 0x1000 | 0x4000;

    /// <summary>Whether it's a regular file.</summary>
    public bool IsRegular => (Mode & KindMask) == 0x8000;

    /// <summary>Whether it's a folder.</summary>
    public bool IsFolder => (Mode & KindMask) == 0x4000;

    /// <summary>Whether it's a symbolic link.</summary>
    public bool IsLink => (Mode & KindMask) == 0xA000;

    /// <summary>Asks of a descriptor.</summary>
    /// <returns>The error of statx(2); <see cref="Errno.EOPNOTSUPP"/> where the kernel doesn't tell all of it.</returns>
    internal static unsafe LinuxResult Of(int fd, out PlaceStatus status)
    {
        var words = stackalloc uint[Statx.Words];
        var nothing = stackalloc byte[1];
        nothing[0] = 0;
        status = default;
        var result = Statx.Ask(fd, nothing, ItselfAsKnown, Wanted, words);
        if (!result.IsSuccess)
        {
            return result;
        }

        if ((words[0] & Wanted) != Wanted)
        {
            return new LinuxResult(Errno.EOPNOTSUPP);
        }

        status = new(
            (ushort)words[ModeWord],
            words[UidWord],
            words[GidWord],
            *(ulong*)(words + SizeWord),
            *(ulong*)(words + MountWord)
        );
        return LinuxResult.Success;
    }
}

/// <summary>
/// Says how far a way through somebody else's folders is gone. Behind a file system may be a program or a server of theirs
/// that never answers, so that it's asked before the kernel is.
/// </summary>
public interface IWalkGuard
{
    /// <summary>The mount that a place is on; null if it mustn't be opened.</summary>
    /// <param name="path">The place from the root on; a character is a byte.</param>
    /// <param name="folderMount">The mount of the folder that it's in.</param>
    ulong? MountAt(string path, ulong folderMount);

    /// <summary>Whether a place that has been found may be used; <see cref="LinuxResult.Success"/> if it may.</summary>
    LinuxResult Judge(PlaceStatus place);
}
