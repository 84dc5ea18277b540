using System.Buffers.Binary;

namespace PinAgent.NativeInterop.Bpf;

/// <summary>
/// Where members of the running kernel's structures are, by its type information. Whatever the bytes are, what isn't found is
/// null.
/// </summary>
/// <remarks><c>Documentation/bpf/btf.rst</c>.</remarks>
internal readonly ref struct KernelTypes
{
    private const int MostTypes = 1 << 20;

    private readonly ReadOnlySpan<byte> _types;
    private readonly ReadOnlySpan<byte> _names;

    private KernelTypes(ReadOnlySpan<byte> types, ReadOnlySpan<byte> names)
    {
        _types = types;
        _names = names;
    }

    private enum TypeKind
    {
        Integer = 1,
        Array = 3,
        Structure = 4,
        Union = 5,
        Enumeration = 6,
        Prototype = 13,
        Variable = 14,
        Section = 15,
        Tag = 17,
        LongEnumeration = 19,
    }

    /// <summary>How many bytes there are, by the begin of them; zero if that isn't type information.</summary>
    public static long LengthOf(ReadOnlySpan<byte> header) =>
        TryHeader(header, out var types, out _, out var names, out var namesLength)
            ? (long)Math.Max(names + namesLength, types)
            : 0;

    /// <summary>Understands type information.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out KernelTypes types)
    {
        types = default;
        if (
            !TryHeader(bytes, out var at, out var length, out var names, out var namesLength)
            || at + length > (ulong)bytes.Length
            || names + namesLength > (ulong)bytes.Length
        )
        {
            return false;
        }

        types = new(bytes.Slice((int)at, (int)length), bytes.Slice((int)names, (int)namesLength));
        return true;
    }

    /// <summary>The offset of a member in bytes; null if there's no such structure or member.</summary>
    public uint? OffsetOf(ReadOnlySpan<byte> structure, ReadOnlySpan<byte> member) =>
        Find(TypeKind.Structure, structure, member, 8) is { } bits && bits % 8 == 0
            ? (bits & 0x00FFFFFF) / 8
            : null;

    /// <summary>The value of a name in an enumeration.</summary>
    public uint? ValueOf(ReadOnlySpan<byte> enumeration, ReadOnlySpan<byte> name) =>
        Find(TypeKind.Enumeration, enumeration, name, 4);

    private static bool TryHeader(
        ReadOnlySpan<byte> bytes,
        out ulong types,
        out ulong typesLength,
        out ulong names,
        out ulong namesLength
    )
    {
        const int Header = 24;
        const ushort Magic = 0xEB9F;
        (types, typesLength, names, namesLength) = (0, 0, 0, 0);
        if (bytes.Length < Header || BinaryPrimitives.ReadUInt16LittleEndian(bytes) != Magic)
        {
            return false;
        }

        var header = (ulong)Word(bytes, 4);
        (types, typesLength) = (header + Word(bytes, 8), Word(bytes, 12));
        (names, namesLength) = (header + Word(bytes, 16), Word(bytes, 20));
        return true;
    }

    // What comes after the member's name and, in a structure, its type.
    private uint? Find(
        TypeKind wanted,
        ReadOnlySpan<byte> name,
        ReadOnlySpan<byte> member,
        int valueAt
    )
    {
        const int Head = 12;
        var at = 0;
        for (var i = 0; i < MostTypes && at + Head <= _types.Length; i++)
        {
            var info = Word(_types, at + 4);
            var kind = (TypeKind)((info >> 24) & 0x1F);
            var count = (int)(info & 0xFFFF);
            var each = kind switch
            {
                TypeKind.Structure or TypeKind.Union or TypeKind.Section => 12,
                TypeKind.LongEnumeration => 12,
                TypeKind.Enumeration or TypeKind.Prototype => 8,
                _ => 0,
            };
            var rest = kind switch
            {
                TypeKind.Integer or TypeKind.Variable or TypeKind.Tag => 4,
                TypeKind.Array => 12,
                _ => count * each,
            };
            if (at + Head + rest > _types.Length)
            {
                return null;
            }

            if (kind == wanted && Is(Word(_types, at), name))
            {
                for (var of = at + Head; of < at + Head + rest; of += each)
                {
                    if (Is(Word(_types, of), member))
                    {
                        return Word(_types, of + valueAt);
                    }
                }
            }

            at += Head + rest;
        }

        return null;
    }

    private bool Is(uint nameAt, ReadOnlySpan<byte> name) =>
        nameAt < _names.Length
        && _names[(int)nameAt..] is var rest
        && rest.Length > name.Length
        && rest[name.Length] == 0
        && rest.StartsWith(name);

    private static uint Word(ReadOnlySpan<byte> bytes, int at) =>
        BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);
}
