using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;

namespace PinAgent.NativeInterop.Bpf;

/// <summary>
/// What is taken of a compiled BPF object: its programs, its maps, and where the programs name the maps. Of ELF that's the
/// symbols and the relocations of type R_BPF_64_64; there's no BTF in it. Whatever the bytes are, an error is a sentence.
/// </summary>
/// <remarks>elf(5), <c>Documentation/bpf/llvm_reloc.rst</c>.</remarks>
internal sealed record BpfObject(
    ImmutableDictionary<string, BpfProgram> Programs,
    ImmutableDictionary<string, BpfMapDefinition> Maps
)
{
    private const int FileHeader = 64;
    private const int SectionHeader = 64;
    private const int SymbolLength = 24;
    private const int RelocationLength = 16;
    private const int MapLength = 20;
    private const int InstructionLength = 8;
    private const uint SymbolTable = 2;
    private const uint RelocationTable = 9;
    private const byte MapReference = 1;

    // More than ours has, and few enough for a damaged file to cost nothing.
    private const int MostSections = 256;
    private const int MostSymbols = 4096;
    private const int MostBytes = 1 << 20;

    /// <summary>Understands an object file.</summary>
    /// <returns>Null, or what is wrong with it.</returns>
    public static string? TryRead(ReadOnlySpan<byte> file, out BpfObject? found)
    {
        found = null;
        try
        {
            found = Read(file);
            return null;
        }
        catch (InvalidDataException wrong)
        {
            return wrong.Message;
        }
    }

    private static BpfObject Read(ReadOnlySpan<byte> file)
    {
        const ulong Begin = 0x00010102_464C457F; // ELF, 64 bits, little-endian, version 1
        const ushort Bpf = 247;
        Require(
            file.Length is >= FileHeader and <= MostBytes,
            $"expected {FileHeader} bytes to 1 MiB, found {file.Length}"
        );
        Require(
            (Long(file, 0) & 0x00FFFFFF_FFFFFFFF) == Begin,
            "expected an ELF file of 64 bits, little-endian"
        );
        Require(Short(file, 18) == Bpf, "expected code for BPF");
        var count = Short(file, 60);
        Require(count <= MostSections, $"expected {MostSections} sections at most, found {count}");
        var headers = Part(file, Long(file, 40), (ulong)count * SectionHeader, "sections");
        var sections = new Section[count];
        for (var i = 0; i < count; i++)
        {
            sections[i] = Section.Read(headers[(i * SectionHeader)..]);
        }

        var symbols = Symbols(file, sections);
        var names = Names(file, sections, Short(file, 62));
        var maps = ImmutableDictionary.CreateBuilder<string, BpfMapDefinition>();
        var programs = ImmutableDictionary.CreateBuilder<string, BpfProgram>();
        for (var i = 0; i < count; i++)
        {
            var name = Text(names, sections[i].Name);
            if (name == "maps")
            {
                ReadMaps(Bytes(file, sections[i]), i, symbols, maps);
            }
        }

        for (var i = 0; i < count; i++)
        {
            var name = Text(names, sections[i].Name);
            if (BpfProgram.TypeOf(name) is { } type)
            {
                var code = Bytes(file, sections[i]);
                Require(
                    code.Length > 0 && code.Length % InstructionLength == 0,
                    $"{name}: expected whole instructions"
                );
                programs[name[(name.IndexOf('/') + 1)..]] = new(
                    type,
                    [.. code],
                    References(file, sections, i, symbols, maps)
                );
            }
        }

        return new(programs.ToImmutable(), maps.ToImmutable());
    }

    private static List<Symbol> Symbols(ReadOnlySpan<byte> file, Section[] sections)
    {
        var table = sections.FirstOrDefault(section => section.Type == SymbolTable);
        Require(table.Type == SymbolTable, "expected a table of symbols");
        var bytes = Bytes(file, table);
        var count = bytes.Length / SymbolLength;
        Require(count <= MostSymbols, $"expected {MostSymbols} symbols at most, found {count}");
        var names = Names(file, sections, table.Link);
        var symbols = new List<Symbol>(count);
        for (var at = 0; at + SymbolLength <= bytes.Length; at += SymbolLength)
        {
            symbols.Add(
                new(Text(names, Word(bytes, at)), Short(bytes, at + 6), Long(bytes, at + 8))
            );
        }

        return symbols;
    }

    private static void ReadMaps(
        ReadOnlySpan<byte> bytes,
        int section,
        List<Symbol> symbols,
        ImmutableDictionary<string, BpfMapDefinition>.Builder maps
    )
    {
        foreach (var symbol in symbols.Where(known => known.Section == section && known.Name != ""))
        {
            var map = Part(bytes, symbol.Value, MapLength, "a map");
            maps[symbol.Name] = new(
                Word(map, 0),
                Word(map, 4),
                Word(map, 8),
                Word(map, 12),
                Word(map, 16)
            );
        }
    }

    private static ImmutableArray<BpfReference> References(
        ReadOnlySpan<byte> file,
        Section[] sections,
        int program,
        List<Symbol> symbols,
        ImmutableDictionary<string, BpfMapDefinition>.Builder maps
    )
    {
        const byte LoadLong = 0x18; // BPF_LD | BPF_DW | BPF_IMM
        var references = ImmutableArray.CreateBuilder<BpfReference>();
        var code = Bytes(file, sections[program]);
        foreach (var table in sections)
        {
            if (table.Type != RelocationTable || table.Info != program)
            {
                continue;
            }

            var bytes = Bytes(file, table);
            for (var at = 0; at + RelocationLength <= bytes.Length; at += RelocationLength)
            {
                var offset = Long(bytes, at);
                var symbol = Word(bytes, at + 12);
                Require(
                    Word(bytes, at + 8) == MapReference
                        && symbol < symbols.Count
                        && maps.ContainsKey(symbols[(int)symbol].Name),
                    "expected references to maps only"
                );
                Require(
                    offset % InstructionLength == 0
                        && offset + (2 * InstructionLength) <= (ulong)code.Length
                        && offset < (ulong)code.Length
                        && code[(int)offset] == LoadLong,
                    "expected a reference in an instruction that loads 64 bits"
                );
                references.Add(new((int)offset, symbols[(int)symbol].Name));
            }
        }

        return references.ToImmutable();
    }

    private static ReadOnlySpan<byte> Names(
        ReadOnlySpan<byte> file,
        Section[] sections,
        uint section
    )
    {
        Require(section < sections.Length, "expected a table of names");
        return Bytes(file, sections[section]);
    }

    private static ReadOnlySpan<byte> Bytes(ReadOnlySpan<byte> file, Section section) =>
        Part(file, section.Offset, section.Length, "a section");

    private static ReadOnlySpan<byte> Part(
        ReadOnlySpan<byte> file,
        ulong offset,
        ulong length,
        string what
    )
    {
        var all = (ulong)file.Length;
        Require(offset <= all && length <= all - offset, $"{what} isn't in the file");
        return file.Slice((int)offset, (int)length);
    }

    private static string Text(ReadOnlySpan<byte> names, uint at)
    {
        const int Longest = 128;
        Require(at < names.Length, "a name isn't in the file");
        var name = names[(int)at..];
        var length = name.IndexOf((byte)0);
        Require(length is >= 0 and <= Longest, $"expected names of {Longest} bytes at most");
        return Encoding.ASCII.GetString(name[..length]);
    }

    private static ushort Short(ReadOnlySpan<byte> bytes, int at) =>
        BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

    private static uint Word(ReadOnlySpan<byte> bytes, int at) =>
        BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);

    private static ulong Long(ReadOnlySpan<byte> bytes, int at) =>
        BinaryPrimitives.ReadUInt64LittleEndian(bytes[at..]);

    private static void Require(bool condition, string otherwise)
    {
        if (!condition)
        {
            throw new InvalidDataException(otherwise);
        }
    }

    private readonly record struct Symbol(string Name, ushort Section, ulong Value);

    private readonly record struct Section(
        uint Name,
        uint Type,
        ulong Offset,
        ulong Length,
        uint Link,
        uint Info
    )
    {
        // A section without bytes in the file (NOBITS) has a length too.
        public static Section Read(ReadOnlySpan<byte> header) =>
            new(
                Word(header, 0),
                Word(header, 4),
                Long(header, 24),
                Word(header, 4) == 8 ? 0 : Long(header, 32),
                Word(header, 40),
                Word(header, 44)
            );
    }
}
