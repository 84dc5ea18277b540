namespace PinAgent.Observe.Qemu.CommandLine;

/// <summary>
/// Goes through the value of a QEMU option, <c>a,b=c,d=e</c>: the first part may leave out its key, and a comma in a value is
/// doubled. Allocates nothing, however long the value is.
/// </summary>
internal ref struct QemuOptionValues(ReadOnlySpan<byte> text)
{
    private ReadOnlySpan<byte> _rest = text;
    private bool _isPastFirst;
    private bool _isOver;

    /// <summary>The part's key.</summary>
    public ReadOnlySpan<byte> Key { get; private set; }

    /// <summary>The part's value, its commas still doubled; the part itself where it has no key.</summary>
    public ReadOnlySpan<byte> Value { get; private set; }

    /// <summary>Moves to the next part.</summary>
    /// <param name="firstKey">The key of the first part if it has none.</param>
    public bool MoveNext(ReadOnlySpan<byte> firstKey)
    {
        if (_isOver)
        {
            return false;
        }

        var end = EndOfPart(_rest);
        var part = _rest[..end];
        _isOver = end == _rest.Length;
        _rest = _isOver ? default : _rest[(end + 1)..];
        var equals = part.IndexOf((byte)'=');
        Key =
            equals > 0 ? part[..equals]
            : !_isPastFirst ? firstKey
            : part;
        Value = part[(equals + 1)..];
        _isPastFirst = true;
        return true;
    }

    private static int EndOfPart(ReadOnlySpan<byte> text)
    {
        var at = 0;
        while (text[at..].IndexOf((byte)',') is >= 0 and var comma)
        {
            at += comma;
            if (at + 1 == text.Length || text[at + 1] != (byte)',')
            {
                return at;
            }

            at += 2;
        }

        return text.Length;
    }
}
