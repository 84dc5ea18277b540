using System.Runtime.InteropServices;
using CsCheck;
using PinAgent.NativeInterop.Bpf;
using Xunit;

namespace PinAgent.Tests.Native.Bpf;

/// <summary>The committed object, whole and damaged.</summary>
public sealed class BpfObjectTests
{
    private static readonly byte[] s_file = ReadFile();

    [Fact]
    public void The_committed_object_has_the_programs_and_maps_that_are_attached()
    {
        var found = BpfLoader.ReadObject();

        foreach (var hook in Hooks())
        {
            var program = found.Programs[hook.Program];
            Assert.NotEmpty(program.References);
            Assert.Equal(
                hook.Kind == HookKind.Tracepoint ? BpfProgramType.Tracepoint : BpfProgramType.Probe,
                program.Type
            );
        }

        // Every program is used somewhere.
        Assert.Equal(
            Hooks().Select(hook => hook.Program).Distinct().Order(),
            found.Programs.Keys.Order()
        );
        Assert.Equal(
            ["calls", "counters", "events", "mask_shares", "name_shares", "settings", "watched"],
            found.Maps.Keys.Order()
        );
    }

    [Fact]
    public void The_objects_records_are_as_long_as_they_are_read_here()
    {
        var maps = BpfLoader.ReadObject().Maps;

        Assert.Equal(Marshal.SizeOf<WatchLayout>(), (int)maps["settings"].ValueLength);
        Assert.Equal(5 * sizeof(ulong), (int)maps["counters"].ValueLength);
        Assert.Equal(0u, maps["events"].Entries & (maps["events"].Entries - 1));
        Assert.Equal(0u, maps["events"].Entries % (64 * 1024));
    }

    [Fact]
    public void A_linked_program_names_each_map_by_its_descriptor()
    {
        var program = BpfLoader.ReadObject().Programs["renamed"];

        var code = program.Link(map => map.Length);

        Assert.All(
            program.References,
            reference =>
            {
                Assert.Equal(0x10, code[reference.Offset + 1] & 0xF0);
                Assert.Equal(
                    reference.Map.Length,
                    BitConverter.ToInt32(code, reference.Offset + 4)
                );
            }
        );
    }

    [Fact]
    public void A_file_that_ends_anywhere_is_refused_with_a_sentence()
    {
        for (var length = 0; length < s_file.Length; length += 7)
        {
            Assert.NotNull(BpfObject.TryRead(s_file.AsSpan(0, length), out var found));
            Assert.Null(found);
        }
    }

    [Fact]
    public void Damaged_bytes_are_read_or_refused_and_never_anything_else() =>
        Gen.Select(Gen.Int[0, s_file.Length - 1], Gen.Byte)
            .Array[1, 40]
            .Sample(damages =>
            {
                var file = s_file.ToArray();
                foreach (var (at, value) in damages)
                {
                    file[at] = value;
                }

                return (BpfObject.TryRead(file, out var found) is null) == (found is not null);
            });

    // Where damage does most: the headers at the begin and, of the sections, at the end.
    [Fact]
    public void Damaged_headers_are_read_or_refused_and_never_anything_else()
    {
        var headers = Enumerable
            .Range(0, 64)
            .Concat(Enumerable.Range(s_file.Length - (33 * 64), 33 * 64));
        foreach (var at in headers)
        {
            foreach (var value in (byte[])[0x00, 0x01, 0x7F, 0x80, 0xFF])
            {
                var file = s_file.ToArray();
                file[at] = value;

                var wrong = BpfObject.TryRead(file, out var found);

                Assert.Equal(wrong is null, found is not null);
            }
        }
    }

    private static IEnumerable<WatchHook> Hooks() =>
        [
            .. WatchHooks.OfMasks(MaskHook.Probe, Architecture.X64),
            .. WatchHooks.OfMasks(MaskHook.Probe, Architecture.Arm64),
            .. WatchHooks.OfMasks(MaskHook.Syscalls, Architecture.X64),
            WatchHooks.OfNames,
            WatchHooks.OfMoves,
        ];

    private static byte[] ReadFile()
    {
        using var stream = typeof(BpfLoader).Assembly.GetManifestResourceStream("watch.bpf.o")!;
        var file = new byte[stream.Length];
        stream.ReadExactly(file);
        return file;
    }
}
