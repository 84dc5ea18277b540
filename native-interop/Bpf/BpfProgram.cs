using System.Buffers.Binary;
using System.Collections.Immutable;

namespace PinAgent.NativeInterop.Bpf;

/// <summary>A program as it was compiled.</summary>
/// <param name="Code">Its instructions, of eight bytes each.</param>
/// <param name="References">Which of them name a map.</param>
internal sealed record BpfProgram(
    BpfProgramType Type,
    ImmutableArray<byte> Code,
    ImmutableArray<BpfReference> References
)
{
    private const byte MapDescriptor = 0x10; // BPF_PSEUDO_MAP_FD, as the source register

    /// <summary>What a section of that name is; null if it's no program.</summary>
    public static BpfProgramType? TypeOf(string section) =>
        section.StartsWith("kprobe/", StringComparison.Ordinal) ? BpfProgramType.Probe
        : section.StartsWith("tracepoint/", StringComparison.Ordinal) ? BpfProgramType.Tracepoint
        : section.StartsWith("raw_tracepoint/", StringComparison.Ordinal)
            ? BpfProgramType.RawTracepoint
        : null;

    /// <summary>Its instructions with the maps' descriptors in place.</summary>
    public byte[] Link(Func<string, int> descriptorOf)
    {
        var linked = Code.ToArray();
        foreach (var reference in References)
        {
            var instruction = linked.AsSpan(reference.Offset);
            instruction[1] = (byte)((instruction[1] & 0x0F) | MapDescriptor);
            BinaryPrimitives.WriteInt32LittleEndian(instruction[4..], descriptorOf(reference.Map));
        }

        return linked;
    }
}

/// <summary>What a program may be attached to.</summary>
internal enum BpfProgramType
{
    /// <summary>A function's begin or return.</summary>
    Probe = 2,

    /// <summary>A tracepoint.</summary>
    Tracepoint = 5,

    /// <summary>A tracepoint, of which it gets the arguments themselves.</summary>
    RawTracepoint = 17,
}

/// <summary>An instruction that names a map.</summary>
internal readonly record struct BpfReference(int Offset, string Map);

/// <summary>A map as the object declares it.</summary>
internal readonly record struct BpfMapDefinition(
    uint Type,
    uint KeyLength,
    uint ValueLength,
    uint Entries,
    uint Flags
);
