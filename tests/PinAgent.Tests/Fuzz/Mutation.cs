using System.Text;

namespace PinAgent.Tests.Fuzz;

/// <summary>
/// Inputs that are nearly right: what a parser gets when a file is torn, a tenant writes it, or a sender lies. Several changes at a
/// time, of the kinds that fuzzers make: bits, bytes that mean something, numbers at the edges of their types, parts that are left
/// out, repeated, or taken from another input.
/// </summary>
internal static class Mutation
{
    /// <summary>The longest input, in bytes: what the largest bound on a file that tenants write lets in.</summary>
    public const int Longest = 1 << 16;

    private const int MostChanges = 8;

    private static readonly byte[] Meaningful =
    [
        .. "\0\n\r\t \"'\\,;:-=+/(){}[]<>&#*%019aZ"u8,
        0x7f,
        0x80,
        0xc0,
        0xff,
    ];

    private static readonly byte[][] Tokens =
    [
        .. new[]
        {
            "0",
            "-1",
            "00",
            "127",
            "255",
            "65536",
            "2147483647",
            "2147483648",
            "4294967296",
            "9223372036854775807",
            "9223372036854775808",
            "18446744073709551616",
            "99999999999999999999999999",
            "1e999",
            "0x10",
            "1.5",
            "\\ud800",
            "null",
            "true",
            "../",
        }.Select(Encoding.ASCII.GetBytes),
    ];

    /// <summary>Changes one of the inputs.</summary>
    public static byte[] Of(IReadOnlyList<byte[]> corpus, Random random)
    {
        var input = corpus[random.Next(corpus.Count)];
        for (var changes = random.Next(1, MostChanges + 1); changes > 0; changes--)
        {
            input = Change(input, corpus, random);
        }

        return input.Length > Longest ? input[..Longest] : input;
    }

    private static byte[] Change(byte[] input, IReadOnlyList<byte[]> corpus, Random random)
    {
        var at = random.Next(input.Length + 1);
        var end = Math.Min(input.Length, at + Length(random));
        return random.Next(9) switch
        {
            0 => Flipped(input, random),
            1 => [.. input[..at], Meaningful[random.Next(Meaningful.Length)], .. input[at..]],
            2 => [.. input[..at], (byte)random.Next(256), .. input[end..]],
            3 => [.. input[..at], .. input[end..]],
            4 => input[..at],
            5 => [.. input[..end], .. Repeated(input[at..end], random), .. input[end..]],
            6 =>
            [
                .. input[..at],
                .. Part(corpus[random.Next(corpus.Count)], random),
                .. input[at..],
            ],
            7 => [.. input[..at], .. Tokens[random.Next(Tokens.Length)], .. input[at..]],
            _ => WithNumber(input, at, Tokens[random.Next(Tokens.Length)]),
        };
    }

    private static byte[] Flipped(byte[] input, Random random)
    {
        var flipped = input.ToArray();
        if (flipped.Length > 0)
        {
            flipped[random.Next(flipped.Length)] ^= (byte)(1 << random.Next(8));
        }

        return flipped;
    }

    // Mostly few bytes, at times all of them.
    private static int Length(Random random) => 1 << random.Next(12);

    private static IEnumerable<byte> Repeated(byte[] part, Random random)
    {
        var times =
            part.Length == 0
                ? 0
                : random.Next(1, Math.Max(2, Math.Min(4096, Longest / part.Length)));
        return Enumerable.Repeat(part, times).SelectMany(bytes => bytes);
    }

    private static byte[] Part(byte[] input, Random random)
    {
        var from = random.Next(input.Length + 1);
        return input[from..Math.Min(input.Length, from + Length(random))];
    }

    // The next number in place of which another stands.
    private static byte[] WithNumber(byte[] input, int at, byte[] number)
    {
        var from = input.AsSpan(at).IndexOfAnyInRange((byte)'0', (byte)'9') + at;
        if (from < at)
        {
            return input;
        }

        var length = input.AsSpan(from).IndexOfAnyExceptInRange((byte)'0', (byte)'9');
        return [.. input[..from], .. number, .. length < 0 ? [] : input[(from + length)..]];
    }
}
