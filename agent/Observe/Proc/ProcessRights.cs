using System.Globalization;
using PinAgent.NativeInterop.Files;

namespace PinAgent.Observe.Proc;

/// <summary>What a process may read of files, by its <c>/proc/&lt;pid&gt;/status</c>: proc_pid_status(5), path_resolution(7).</summary>
/// <param name="User">The user id that counts for files.</param>
/// <param name="Groups">The group ids.</param>
/// <param name="ReadsAll">Whether a capability lets it read whatever the file's rights are.</param>
internal sealed record ProcessRights(uint User, IReadOnlySet<uint> Groups, bool ReadsAll)
{
    /// <summary>Whether it may do what it likes with the machine.</summary>
    public bool IsAllPowerful { get; private init; }

    // CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH of linux/capability.h.
    private const ulong ReadingCapabilities = 0b110;

    // CAP_SYS_ADMIN.
    private const ulong AdministratingCapability = 1UL << 21;

    // Of user, group and others; a folder's way through is its execute bit.
    private const uint Read = 4;
    private const uint Search = 1;
    private const uint WritableByOthers = 0x12; // 0022

    /// <summary>Reads them; null where the file doesn't say, as in a record of a machine.</summary>
    public static ProcessRights? Parse(ReadOnlySpan<byte> status)
    {
        if (
            !ProcStatus.TryFind(status, "Uid:"u8, out var users)
            || !ProcStatus.TryFind(status, "Gid:"u8, out var groups)
            || Numbers(users) is not [_, _, _, var user]
            || Numbers(groups) is not [_, _, _, var group]
        )
        {
            return null;
        }

        var all = new HashSet<uint> { group };
        if (ProcStatus.TryFind(status, "Groups:"u8, out var others))
        {
            all.UnionWith(Numbers(others));
        }

        _ = ProcStatus.TryParseCapabilities(status, out var capabilities);
        return new ProcessRights(user, all, (capabilities & ReadingCapabilities) != 0)
        {
            IsAllPowerful = (capabilities & AdministratingCapability) != 0,
        };
    }

    /// <summary>Whether it may read a file, or go through a folder. A link is nobody's.</summary>
    public bool MayUse(PlaceStatus place)
    {
        var wanted = place.IsFolder ? Search : Read;
        var granted =
            place.Uid == User ? place.Mode >> 6
            : Groups.Contains(place.Gid) ? place.Mode >> 3
            : place.Mode;
        return ReadsAll || place.IsLink || (granted & wanted) != 0;
    }

    /// <summary>Whether a place is root's, and nobody else can have changed it.</summary>
    public static bool IsRootsAlone(PlaceStatus place) =>
        place.Uid == 0 && (place.IsLink || (place.Mode & WritableByOthers) == 0);

    private static List<uint> Numbers(ReadOnlySpan<byte> text)
    {
        var numbers = new List<uint>();
        foreach (var part in text.SplitAny(" \t"u8))
        {
            if (
                uint.TryParse(
                    text[part],
                    NumberStyles.None,
                    CultureInfo.InvariantCulture,
                    out var number
                )
            )
            {
                numbers.Add(number);
            }
        }

        return numbers;
    }
}
