using System.Collections.Immutable;
using System.Text;

namespace PinAgent.Observe.Qemu.ConfigFile;

/// <summary>One value of a configuration file.</summary>
/// <param name="Group">The section: <c>smp-opts</c>, <c>machine</c>, <c>name</c>, <c>object</c>.</param>
internal sealed record ConfigValue(string Group, string Key, string Value);

/// <summary>
/// A file of QEMU's <c>-readconfig</c>: sections like <c>[smp-opts]</c> or <c>[object "id"]</c>, and in them lines like
/// <c>cpus = "4"</c>. Kept is what says something of the guest's CPUs, its name and its I/O threads. Pure.
/// </summary>
/// <remarks>
/// Source: <c>qemu_config_foreach()</c> in QEMU's <c>util/qemu-config.c</c>, whose <c>sscanf</c> lets anything follow what it has
/// understood. A line that it doesn't understand ends QEMU: then this isn't what it has read. Compared with QEMU 7.2.
/// </remarks>
internal sealed record QemuConfig(ImmutableArray<ConfigValue> Values)
{
    // Sections whose values are read; libvirt's and Incus's files have some hundred lines of others.
    private static readonly string[] Groups = ["machine", "name", "numa", "object", "smp-opts"];
    private static readonly string[] Keys = ["debug-threads", "guest", "qom-type", "type"];
    private const int MostValues = 1024;

    // QEMU's own buffers: of a group's or key's name, and of a line.
    private const int LongestName = 63;
    private const int LongestLine = 1022;

    private static ReadOnlySpan<byte> Blanks => " \t\r"u8;

    /// <summary>The key of a section's id: <c>[object "iothread1"]</c>.</summary>
    public const string Id = "id";

    /// <summary>Reads the file's text.</summary>
    /// <returns>Null for what QEMU wouldn't have taken.</returns>
    public static QemuConfig? Parse(ReadOnlySpan<byte> content)
    {
        var values = ImmutableArray.CreateBuilder<ConfigValue>();
        string? group = null;
        foreach (var range in content.Split((byte)'\n'))
        {
            var line = content[range];
            if (line.IsEmpty || line[0] == (byte)'#')
            {
                continue;
            }

            if (line.Length > LongestLine || line.Contains((byte)0))
            {
                return null;
            }

            if (line[0] == (byte)'[' && TryParseGroup(line[1..], out var name, out var id))
            {
                group = name;
                Add(values, group, Id, id);
            }
            else if (group is not null && TryParseValue(line, out var key, out var value))
            {
                Add(values, group, key, value);
            }
            else
            {
                return null;
            }

            if (values.Count > MostValues)
            {
                return null;
            }
        }

        return new QemuConfig(values.DrainToImmutable());
    }

    /// <summary>The same as a file, with nothing else in it.</summary>
    public byte[] ToFile()
    {
        var text = new StringBuilder();
        string? group = null;
        foreach (var value in Values)
        {
            if (value.Key == Id)
            {
                text.Append(
                    $"[{value.Group}{(value.Value.Length > 0 ? $" \"{value.Value}\"" : "")}]\n"
                );
                group = value.Group;
            }
            else if (group == value.Group)
            {
                text.Append($"{value.Key} = \"{value.Value}\"\n");
            }
        }

        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private static void Add(
        ImmutableArray<ConfigValue>.Builder values,
        string group,
        string key,
        string value
    )
    {
        if (
            Groups.Contains(group)
            && (
                key == Id
                || group == "smp-opts"
                || key.StartsWith("smp.", StringComparison.Ordinal)
                || Keys.Contains(key)
            )
        )
        {
            values.Add(new(group, key, value));
        }
    }

    // `group "id"]` or `group]`.
    private static bool TryParseGroup(ReadOnlySpan<byte> text, out string group, out string id)
    {
        (group, id) = ("", "");
        var quote = text.IndexOf((byte)'"');
        var blank = text.IndexOfAny(" \t"u8);
        if (blank > 0 && quote > blank && text[blank..quote].IndexOfAnyExcept(" \t"u8) < 0)
        {
            var rest = text[(quote + 1)..];
            var end = rest.IndexOf((byte)'"');
            if (blank <= LongestName && end is > 0 and <= LongestName)
            {
                (group, id) = (Text(text[..blank]), Text(rest[..end]));
                return true;
            }
        }

        var close = text.IndexOf((byte)']');
        if (close is < 1 or > LongestName)
        {
            return false;
        }

        group = Text(text[..close]);
        return true;
    }

    // ` key = "value"`. What isn't that is the key of an empty value: sscanf is content with its first word.
    private static bool TryParseValue(ReadOnlySpan<byte> line, out string key, out string value)
    {
        (key, value) = ("", "");
        line = line.TrimStart(Blanks);
        var end = line.IndexOfAny(Blanks);
        var word = end < 0 ? line : line[..end];
        if (word.IsEmpty || word.Length > LongestName)
        {
            return !word.IsEmpty;
        }

        key = Text(word);
        var rest = line[word.Length..].TrimStart(Blanks);
        if (!rest.StartsWith("="u8))
        {
            return true;
        }

        rest = rest[1..].TrimStart(Blanks);
        if (rest.StartsWith("\""u8))
        {
            rest = rest[1..];
            var close = rest.IndexOf((byte)'"');

            // Without its end the line's is part of it.
            value = close < 0 ? Text(rest) + "\n" : Text(rest[..close]);
        }

        return true;
    }

    private static string Text(ReadOnlySpan<byte> text) => Encoding.UTF8.GetString(text);
}
