namespace PinAgent.Observe.Kubelet;

/// <summary>
/// The fields of a message in Protocol Buffers' binary format, one after the other
/// (<c>protobuf.dev/programming-guides/encoding</c>).
/// </summary>
/// <param name="message">The message.</param>
internal ref struct ProtobufReader(ReadOnlySpan<byte> message)
{
    private const int Varint = 0;
    private const int Fixed64 = 1;
    private const int Bytes = 2;
    private const int Fixed32 = 5;

    private ReadOnlySpan<byte> _rest = message;

    /// <summary>The field's number.</summary>
    public int Field { get; private set; }

    /// <summary>The field's number, if it's one; 0 otherwise.</summary>
    public ulong Number { get; private set; }

    /// <summary>The field's bytes, if it's a text, a message or a packed list; empty otherwise.</summary>
    public ReadOnlySpan<byte> Content { get; private set; }

    /// <summary>Whether the field has bytes and isn't a number.</summary>
    public bool HasContent { get; private set; }

    /// <summary>Goes on to the next field.</summary>
    /// <exception cref="InvalidDataException">It isn't such a message.</exception>
    public bool MoveNext()
    {
        if (_rest.IsEmpty)
        {
            return false;
        }

        var tag = ReadVarint(ref _rest);
        Field = (int)Math.Min(tag >> 3, int.MaxValue);
        var type = (int)(tag & 7);
        HasContent = type == Bytes;
        Number = 0;
        Content = default;
        switch (type)
        {
            case Varint:
                Number = ReadVarint(ref _rest);
                break;
            case Bytes:
                Content = Take(ReadVarint(ref _rest));
                break;
            case Fixed64:
                Take(sizeof(ulong));
                break;
            case Fixed32:
                Take(sizeof(uint));
                break;
            default:
                throw new InvalidDataException(
                    $"expected a field of type 0, 1, 2 or 5, found {type}"
                );
        }

        return true;
    }

    /// <summary>Takes a number of 7 bits a byte from the beginning of bytes.</summary>
    /// <exception cref="InvalidDataException">There is none.</exception>
    public static ulong ReadVarint(ref ReadOnlySpan<byte> bytes)
    {
        const int Longest = 10;
        var value = 0UL;
        for (var i = 0; i < Math.Min(Longest, bytes.Length); i++)
        {
            value |= (ulong)(bytes[i] & 0x7f) << (7 * i);
            if (bytes[i] < 0x80)
            {
                bytes = bytes[(i + 1)..];
                return value;
            }
        }

        throw new InvalidDataException("expected a number's last byte, found none");
    }

    private ReadOnlySpan<byte> Take(ulong length)
    {
        if (length > (ulong)_rest.Length)
        {
            throw new InvalidDataException($"expected {length} bytes, found {_rest.Length}");
        }

        var taken = _rest[..(int)length];
        _rest = _rest[(int)length..];
        return taken;
    }
}
