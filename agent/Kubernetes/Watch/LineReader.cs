namespace PinAgent.Kubernetes.Watch;

/// <summary>Reads a stream line by line. A line that is too long is passed over without being kept.</summary>
/// <param name="longest">The longest line that is returned, in bytes.</param>
internal sealed class LineReader(Stream stream, int longest)
{
    private const int SmallBuffer = 16 * 1024;
    private const int LargeBuffer = 256 * 1024;

    private byte[] _buffer = new byte[SmallBuffer];
    private int _start;
    private int _scanned;
    private int _end;

    /// <summary>Reads a line, without its end; null when the stream ends. What comes after the last line's end is no line.</summary>
    /// <returns>The line; valid until the next call.</returns>
    public async ValueTask<ApiLine?> ReadAsync(CancellationToken stop)
    {
        var passedOver = 0L;
        while (true)
        {
            var newline = _buffer.AsSpan(_scanned, _end - _scanned).IndexOf((byte)'\n');
            if (newline >= 0)
            {
                var line = _buffer.AsMemory(_start, _scanned + newline - _start);
                _start = _scanned += newline + 1;
                var length = passedOver + line.Length;
                return new ApiLine(length > longest ? default : line, length, length > longest);
            }

            _scanned = _end;
            if (_end - _start > longest)
            {
                passedOver += _end - _start;
                _start = _scanned = _end = 0;
            }

            MakeRoom();
            var read = await stream.ReadAsync(_buffer.AsMemory(_end), stop);
            if (read == 0)
            {
                return null;
            }

            _end += read;
        }
    }

    private void MakeRoom()
    {
        var length = _end - _start;
        var size =
            length == _buffer.Length ? 2 * _buffer.Length
            : length < SmallBuffer && _buffer.Length > LargeBuffer ? SmallBuffer
            : _buffer.Length;
        if (_start == 0 && size == _buffer.Length)
        {
            return;
        }

        var target = size == _buffer.Length ? _buffer : new byte[size];
        _buffer.AsSpan(_start, length).CopyTo(target);
        (_buffer, _start, _scanned, _end) = (target, 0, _scanned - _start, length);
    }
}

/// <summary>A line.</summary>
/// <param name="Bytes">Its bytes; none if it's too long.</param>
/// <param name="IsTooLong">Whether it was passed over.</param>
internal readonly record struct ApiLine(ReadOnlyMemory<byte> Bytes, long Length, bool IsTooLong);
