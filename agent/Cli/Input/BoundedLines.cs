using System.Text;

namespace PinAgent.Cli.Input;

/// <summary>Reads lines that may be of any length, of each only so much: a file of one line isn't held whole.</summary>
/// <param name="most">How many characters a line may have.</param>
/// <param name="passesOver">Whether the rest of a longer line is passed over; it may have no end.</param>
internal sealed class BoundedLines(TextReader reader, int most, bool passesOver = true)
{
    private readonly char[] _buffer = new char[16 * 1024];
    private int _next;
    private int _filled;
    private bool _wasReturn;

    /// <summary>Reads the next line; false at the end.</summary>
    /// <param name="line">The line, or its beginning.</param>
    /// <param name="isTooLong">Whether it has more characters than it may.</param>
    public bool TryRead(out string line, out bool isTooLong)
    {
        var text = new StringBuilder();
        isTooLong = false;
        var hasAny = false;
        while (Fill())
        {
            // The second half of the line break before.
            if (_wasReturn && _buffer[_next] == '\n')
            {
                _next++;
                _wasReturn = false;
                continue;
            }

            (_wasReturn, hasAny) = (false, true);
            var rest = _buffer.AsSpan(_next, _filled - _next);
            var length = rest.IndexOfAny('\n', '\r');
            var part = length < 0 ? rest : rest[..length];
            var free = most - text.Length;
            isTooLong |= part.Length > free;
            text.Append(part[..Math.Min(part.Length, free)]);
            _next += part.Length;
            if (isTooLong && !passesOver)
            {
                break;
            }

            if (length >= 0)
            {
                _wasReturn = _buffer[_next++] == '\r';
                break;
            }
        }

        line = text.ToString();
        return hasAny;
    }

    private bool Fill()
    {
        if (_next == _filled)
        {
            (_next, _filled) = (0, reader.Read(_buffer));
        }

        return _filled > 0;
    }
}
