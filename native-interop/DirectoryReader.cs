using System.Buffers.Binary;
using System.Runtime.InteropServices;
using PinAgent.NativeInterop.Files;
using static Tmds.Linux.LibC;

namespace PinAgent.NativeInterop;

/// <summary>
/// Lists a directory entry by entry with getdents64(2), without allocating: <c>/proc</c> is listed at every
/// full pass. One directory at a time; not safe for use by several threads.
/// </summary>
/// <example>
/// <code>
/// if (reader.Open("/proc\0"u8).IsSuccess)
///     while (reader.MoveNext())
///         Use(reader.Name);
/// </code>
/// </example>
public sealed partial class DirectoryReader : IDisposable
{
    // struct linux_dirent64 { u64 d_ino; s64 d_off; u16 d_reclen; u8 d_type; char d_name[]; }
    private const int RecordLengthOffset = 16;
    private const int NameOffset = 19;

    private readonly byte[] _records = new byte[32 * 1024];
    private int _fd = -1;
    private int _filled;
    private int _next;
    private int _nameStart;
    private int _nameLength;

    /// <summary>The name of the current entry; never <c>.</c> or <c>..</c>. Valid until the next move.</summary>
    public ReadOnlySpan<byte> Name => _records.AsSpan(_nameStart, _nameLength);

    /// <summary>Why the listing has ended before its time; success where it hasn't.</summary>
    public LinuxResult Result { get; private set; }

    /// <summary>Opens a directory, closing the one before.</summary>
    /// <param name="path">The path, zero-terminated.</param>
    /// <param name="root">Where the path begins; null for the machine's own root.</param>
    /// <returns>The error of open(2).</returns>
    public LinuxResult Open(ReadOnlySpan<byte> path, RootFolder? root = null)
    {
        KernelFile.RequireZeroTerminated(path);
        Dispose();
        return Result = RootFolder.Open(root, path, O_RDONLY | O_DIRECTORY, out _fd);
    }

    /// <summary>
    /// Moves to the next entry. False at the end, and also when the directory vanished meanwhile: what was
    /// listed until then stands. False as well after an error, which <see cref="Result"/> then tells.
    /// </summary>
    public bool MoveNext()
    {
        while (true)
        {
            if (_next >= _filled && !Refill())
            {
                return false;
            }

            var record = _records.AsSpan(_next, _filled - _next);
            int recordLength = BinaryPrimitives.ReadUInt16LittleEndian(
                record[RecordLengthOffset..]
            );
            var name = record[NameOffset..recordLength];
            name = name[..name.IndexOf((byte)0)];
            _nameStart = _next + NameOffset;
            _nameLength = name.Length;
            _next += recordLength;
            if (!name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8))
            {
                return true;
            }
        }
    }

    /// <summary>Closes the directory. The reader can be used again.</summary>
    public void Dispose()
    {
        if (_fd >= 0)
        {
            _ = close(_fd);
            _fd = -1;
        }

        _filled = _next = 0;
    }

    private unsafe bool Refill()
    {
        if (_fd < 0)
        {
            return false;
        }

        do
        {
            fixed (byte* start = _records)
            {
                _filled = (int)getdents64(_fd, start, (nuint)_records.Length);
            }

            Result = LinuxResult.FromReturnValue(_filled);
        } while (Result.Errno == Errno.EINTR);

        _next = 0;
        if (Result.Errno.MeansGone())
        {
            Result = LinuxResult.Success;
        }

        if (_filled <= 0)
        {
            Dispose();
            return false;
        }

        return true;
    }

    // Not in Tmds.LibC. https://man7.org/linux/man-pages/man2/getdents.2.html
    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial nint getdents64(int fd, byte* records, nuint length);
}
