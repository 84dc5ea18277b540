using System.Globalization;
using System.Text;

namespace PinAgent.Observe.Proc;

/// <summary>What is mounted where, in a process's view: <c>/proc/&lt;pid&gt;/mountinfo</c>. A character of a path is a byte.</summary>
/// <remarks>Source: proc_pid_mountinfo(5). Reading it asks no file system for anything.</remarks>
internal sealed class MountTable
{
    // Counted from one.
    private const int PointField = 5;
    private const int OptionsField = 6;

    private readonly Dictionary<(string Point, ulong Parent), (ulong Id, string Type)> _mounts = [];

    /// <summary>The mounts that are the root, or were before another came on top of it.</summary>
    public List<(ulong Id, string Type)> Roots { get; } = [];

    /// <summary>Reads the table; lines that aren't understood are passed over, and so is what is mounted there.</summary>
    public static MountTable Parse(ReadOnlySpan<byte> content)
    {
        var table = new MountTable();
        foreach (var range in content.Split((byte)'\n'))
        {
            table.Add(content[range]);
        }

        return table;
    }

    // "36 35 98:0 /root /point options optional… - type source options"
    private void Add(ReadOnlySpan<byte> line)
    {
        var (id, parent, point, type) = (0UL, 0UL, "", "");
        var (index, isAfterDash) = (0, false);
        foreach (var range in line.Split((byte)' '))
        {
            var field = line[range];
            var isUnderstood = index++ switch
            {
                0 => ulong.TryParse(field, NumberStyles.None, CultureInfo.InvariantCulture, out id),
                1 => ulong.TryParse(
                    field,
                    NumberStyles.None,
                    CultureInfo.InvariantCulture,
                    out parent
                ),
                _ => true,
            };
            if (!isUnderstood)
            {
                return;
            }

            if (index == PointField)
            {
                point = MountInfo.Unescape(Encoding.Latin1.GetString(field), Encoding.Latin1);
            }
            else if (isAfterDash)
            {
                type = Encoding.Latin1.GetString(field);
                break;
            }

            isAfterDash = index > OptionsField && field.SequenceEqual("-"u8);
        }

        if (point == "/" && type.Length > 0)
        {
            Roots.Add((id, type));
        }
        else if (type.Length > 0)
        {
            _mounts[(point, parent)] = (id, type);
        }
    }

    /// <summary>The mounts at a place, each on top of the one before; none where it's on the folder's own.</summary>
    /// <param name="folderMount">The mount of the folder that it's in.</param>
    public IEnumerable<(ulong Id, string Type)> At(string path, ulong folderMount)
    {
        var below = folderMount;

        // Each is another mount's child: a table that goes in circles isn't the kernel's.
        for (var i = 0; i < _mounts.Count; i++)
        {
            if (!_mounts.TryGetValue((path, below), out var mount))
            {
                yield break;
            }

            yield return mount;
            below = mount.Id;
        }
    }

    /// <summary>The type of the mount that is the root; null where it has none of its own, as after chroot.</summary>
    public string? RootType(ulong id) =>
        Roots.Where(root => root.Id == id).Select(root => root.Type).FirstOrDefault();
}
