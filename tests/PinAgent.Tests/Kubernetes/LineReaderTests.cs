using System.Text;
using CsCheck;
using PinAgent.Kubernetes.Watch;
using Xunit;

namespace PinAgent.Tests.Kubernetes;

public sealed class LineReaderTests
{
    private const int Longest = 40_000;

    [Fact]
    public void Lines_are_whole_whatever_the_pieces_they_come_in() =>
        Gen.Select(Gen.Int[0, 60_000].Array[0, 8], Gen.Int[1, 50_000].Array[1, 20], Gen.Bool)
            .Sample((lengths, pieces, isTorn) => Check(lengths, pieces, isTorn), iter: 200);

    private static void Check(int[] lengths, int[] pieces, bool isTorn)
    {
        var lines = lengths.Select((length, i) => new string((char)('a' + i), length)).ToList();
        var text = string.Concat(lines.Select(line => line + "\n")) + (isTorn ? "torn" : "");
        var reader = new LineReader(new Pieces(Encoding.ASCII.GetBytes(text), pieces), Longest);

        foreach (var line in lines)
        {
            var read = reader.ReadAsync(CancellationToken.None).AsTask().Result;
            Assert.NotNull(read);
            Assert.Equal(line.Length, read.Value.Length);
            Assert.Equal(line.Length > Longest, read.Value.IsTooLong);
            Assert.Equal(
                line.Length > Longest ? "" : line,
                Encoding.ASCII.GetString(read.Value.Bytes.Span)
            );
        }

        Assert.Null(reader.ReadAsync(CancellationToken.None).AsTask().Result);
    }

    /// <summary>A stream that gives its content in pieces of these lengths, over and over.</summary>
    private sealed class Pieces(byte[] content, int[] lengths) : MemoryStream(content)
    {
        private int _next;

        public override ValueTask<int> ReadAsync(
            Memory<byte> buffer,
            CancellationToken cancellationToken = default
        )
        {
            var length = Math.Min(lengths[_next++ % lengths.Length], buffer.Length);
            return base.ReadAsync(buffer[..length], cancellationToken);
        }
    }
}
