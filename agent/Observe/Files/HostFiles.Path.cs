using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Unicode;

namespace PinAgent.Observe.Files;

internal sealed partial class HostFiles
{
    /// <summary>
    /// Builds a zero-terminated path from an interpolated string in the reader's own buffer, so that reading
    /// <c>$"/proc/{pid}/stat"</c> allocates nothing.
    /// </summary>
    [InterpolatedStringHandler]
    public ref struct HostPath
    {
        private readonly byte[] _buffer;
        private int _length;

        /// <summary>Begins a path.</summary>
        public HostPath(int literalLength, int formattedCount, HostFiles files)
        {
            _ = literalLength + formattedCount;
            _buffer = files._path;
        }

        /// <summary>Whether the path didn't fit.</summary>
        public bool IsTooLong { get; private set; }

        /// <summary>The path, zero-terminated.</summary>
        public readonly ReadOnlySpan<byte> Bytes
        {
            get
            {
                _buffer[_length] = 0;
                return _buffer.AsSpan(0, _length + 1);
            }
        }

        /// <summary>The path below the root.</summary>
        internal readonly string Text => Encoding.UTF8.GetString(_buffer.AsSpan(0, _length));

        // One byte stays free for the zero.
        private readonly Span<byte> Free => _buffer.AsSpan(_length, _buffer.Length - _length - 1);

        public void AppendLiteral(string text) => AppendFormatted(text);

        public void AppendFormatted(string text)
        {
            if (
                IsTooLong
                || Utf8.FromUtf16(text, Free, out _, out var written)
                    != System.Buffers.OperationStatus.Done
            )
            {
                IsTooLong = true;
                return;
            }

            _length += written;
        }

        public void AppendFormatted(int number)
        {
            if (
                IsTooLong
                || !number.TryFormat(Free, out var written, default, CultureInfo.InvariantCulture)
            )
            {
                IsTooLong = true;
                return;
            }

            _length += written;
        }
    }
}
