using System.Text;
using System.Text.Json;
using PinAgent.Observe.Files;
using PinAgent.Observe.Qemu.ConfigFile;

namespace PinAgent.Observe.Qemu.CommandLine;

/// <summary>I/O threads that QEMU was started with.</summary>
/// <param name="All">How many.</param>
/// <param name="Nameless">How many of them have an id too long for a thread's name.</param>
internal readonly record struct NamedIoThreads(int All, int Nameless)
{
    /// <summary>What an administrator should know of them; null for nothing.</summary>
    /// <param name="found">How many threads are called like one.</param>
    public string? Note(int found) =>
        Nameless > 0 && found < All
            ? $"I/O threads without a name: {Math.Min(All - found, Nameless)} of {All}. QEMU of that version gives none where an id "
                + "has more than 12 characters, so they're placed as the emulator's: shorter ids help"
            : null;
}

/// <summary>
/// What QEMU's options say of its guest, one after the other: a later value of a key counts, whether it's on the command line
/// or in a file of <c>-readconfig</c>.
/// </summary>
/// <remarks>
/// Source: <c>qemu_init()</c> and <c>machine_merge_property()</c> in QEMU's <c>softmmu/vl.c</c> (7.2), tried by
/// <c>query-hotpluggable-cpus</c>.
/// </remarks>
internal sealed class GuestOptions
{
    // "IO " and the id make a thread's name, which has at most 15 bytes.
    private const int LongestIoThreadId = 12;

    private static readonly JsonReaderOptions NoComments = new() { MaxDepth = 16 };

    private readonly QemuSmp _smp = new();

    /// <summary>The guest's CPUs.</summary>
    public QemuSmp Smp => _smp;

    /// <summary>The guest's name as it stands; null without one.</summary>
    public string? Name { get; private set; }

    /// <summary>Why that can't be used; null if it can.</summary>
    public string? Problem { get; private set; }

    /// <summary>The machine's type; null for QEMU's default.</summary>
    public string? Machine { get; private set; }

    /// <summary>Whether QEMU becomes another user: <c>-runas</c>, <c>-run-with user=</c>.</summary>
    public bool GivesRootAway { get; private set; }

    /// <summary>How many NUMA nodes the guest is given.</summary>
    public int NumaNodes { get; private set; }

    /// <summary>Whether QEMU was told to name its threads. From version 11 on it always does.</summary>
    public bool NamesThreads { get; private set; }

    /// <summary>The I/O threads.</summary>
    public NamedIoThreads IoThreads { get; private set; }

    /// <summary>The option's name, if its value says something of the guest; else empty.</summary>
    public static ReadOnlySpan<byte> OptionOf(ReadOnlySpan<byte> argument)
    {
        var name =
            argument.StartsWith("--"u8) ? argument[2..]
            : argument.StartsWith("-"u8) ? argument[1..]
            : default;
        return
            name.SequenceEqual("name"u8)
            || name.SequenceEqual("smp"u8)
            || name.SequenceEqual("machine"u8)
            || name.SequenceEqual("M"u8)
            || name.SequenceEqual("object"u8)
            || name.SequenceEqual("numa"u8)
            || name.SequenceEqual("readconfig"u8)
            || name.SequenceEqual("runas"u8)
            || name.SequenceEqual("run-with"u8)
            ? name
            : default;
    }

    /// <summary>Adds an option of the command line.</summary>
    /// <param name="option">One of those of <see cref="OptionOf"/>, without its dashes; not <c>readconfig</c>.</param>
    public void Add(ReadOnlySpan<byte> option, ReadOnlySpan<byte> value)
    {
        if (option.SequenceEqual("name"u8))
        {
            if (Find(value, "guest"u8, "guest"u8, out var guest))
            {
                SetName(guest.Length, guest.Length > Bounds.GuestName ? null : Text(guest));
            }

            if (Find(value, "guest"u8, "debug-threads"u8, out var names))
            {
                NamesThreads = names.SequenceEqual("on"u8);
            }
        }
        else if (option.SequenceEqual("smp"u8))
        {
            _smp.Read(value);
        }
        else if (option.SequenceEqual("object"u8))
        {
            AddObject(value);
        }
        else if (option.SequenceEqual("numa"u8))
        {
            NumaNodes +=
                Find(value, "type"u8, "type"u8, out var type) && type.SequenceEqual("node"u8)
                    ? 1
                    : 0;
        }
        else if (option.SequenceEqual("runas"u8))
        {
            GivesRootAway = true;
        }
        else if (option.SequenceEqual("run-with"u8))
        {
            GivesRootAway |= Find(value, ""u8, "user"u8, out _);
        }
        else
        {
            AddMachine(value);
        }
    }

    /// <summary>Adds a file of <c>-readconfig</c>, in its place among the options.</summary>
    /// <param name="config">Null for one that isn't known.</param>
    public void Add(QemuConfig? config)
    {
        var id = "";
        foreach (var (group, key, value) in config?.Values ?? [])
        {
            switch (group, key)
            {
                case (_, QemuConfig.Id):
                    id = value;
                    break;
                case ("smp-opts", _):
                    _smp.Set(Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes(value));
                    break;
                case ("machine", "type"):
                    Machine = value;
                    break;
                case ("machine", _) when key.StartsWith("smp.", StringComparison.Ordinal):
                    _smp.Set(Encoding.UTF8.GetBytes(key[4..]), Encoding.UTF8.GetBytes(value));
                    break;
                case ("name", "guest"):
                    SetName(value.Length, value);
                    break;
                case ("numa", "type") when value == "node":
                    NumaNodes++;
                    break;
                case ("object", "qom-type") when value == "iothread":
                    AddIoThread(Encoding.UTF8.GetByteCount(id));
                    break;
            }
        }
    }

    private void AddMachine(ReadOnlySpan<byte> text)
    {
        var values = new QemuOptionValues(text);
        while (values.MoveNext("type"u8))
        {
            if (values.Key.SequenceEqual("type"u8))
            {
                // Types have about twenty letters; a longer text is none that is known here.
                Machine = values.Value.Length > Bounds.GuestName ? "" : Text(values.Value);
            }
            else if (values.Key.StartsWith("smp."u8))
            {
                _smp.Set(values.Key[4..], values.Value);
            }
        }
    }

    private void SetName(int length, string? name)
    {
        Name = name;
        Problem = name is null
            ? $"QEMU's -name: expected at most {Bounds.GuestName} bytes, found {length}"
            : null;
    }

    // "iothread,id=x", or the same in JSON, which libvirt writes.
    private void AddObject(ReadOnlySpan<byte> text)
    {
        if (text.StartsWith("{"u8))
        {
            AddJsonObject(text);
        }
        else if (
            Find(text, "qom-type"u8, "qom-type"u8, out var type)
            && type.SequenceEqual("iothread"u8)
            && Find(text, "qom-type"u8, "id"u8, out var id)
        )
        {
            AddIoThread(id.Length);
        }
    }

    private void AddJsonObject(ReadOnlySpan<byte> text)
    {
        var (isIoThread, length) = (false, 0);
        try
        {
            var reader = new Utf8JsonReader(text, NoComments);
            while (reader.Read())
            {
                if (reader.CurrentDepth != 1 || reader.TokenType != JsonTokenType.PropertyName)
                {
                    continue;
                }

                var (isType, isId) = (
                    reader.ValueTextEquals("qom-type"),
                    reader.ValueTextEquals("id")
                );
                if (reader.Read() && reader.TokenType == JsonTokenType.String)
                {
                    isIoThread |= isType && reader.ValueTextEquals("iothread");
                    length = isId ? reader.ValueSpan.Length : length;
                }
            }
        }
        catch (Exception problem) when (problem is JsonException or InvalidOperationException)
        {
            // QEMU wouldn't have taken it. InvalidOperationException: a name has half of a pair of UTF-16 escapes.
            return;
        }

        if (isIoThread)
        {
            AddIoThread(length);
        }
    }

    private void AddIoThread(int idLength) =>
        IoThreads = new(
            IoThreads.All + 1,
            IoThreads.Nameless + (idLength > LongestIoThreadId ? 1 : 0)
        );

    // The last value of a key; the first value may stand alone.
    private static bool Find(
        ReadOnlySpan<byte> text,
        ReadOnlySpan<byte> first,
        ReadOnlySpan<byte> wanted,
        out ReadOnlySpan<byte> found
    )
    {
        found = default;
        var isFound = false;
        var values = new QemuOptionValues(text);
        while (values.MoveNext(first))
        {
            if (values.Key.SequenceEqual(wanted))
            {
                found = values.Value;
                isFound = true;
            }
        }

        return isFound;
    }

    private static string Text(ReadOnlySpan<byte> value) =>
        Encoding.UTF8.GetString(value).Replace(",,", ",", StringComparison.Ordinal);
}
