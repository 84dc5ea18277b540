using System.Runtime.InteropServices;

namespace PinAgent.NativeInterop.Bpf;

/// <summary>
/// Reads what programs have put into a ring buffer: two numbers that only grow, the reader's and the writers', and the records
/// between them. Owns the memory, not the map.
/// </summary>
/// <remarks><c>Documentation/bpf/ringbuf.rst</c>.</remarks>
internal sealed unsafe partial class RingBuffer : IDisposable
{
    private const int RecordHeader = 8;
    private const uint Busy = 1U << 31;
    private const uint Discarded = 1U << 30;

    private readonly nuint _page = (nuint)Environment.SystemPageSize;
    private readonly nuint _size;
    private byte* _reader;
    private byte* _writers;

    private RingBuffer(nuint size) => _size = size;

    /// <summary>Maps a ring buffer's memory.</summary>
    /// <param name="size">Its size, a power of two.</param>
    public static LinuxResult TryMap(int map, uint size, out RingBuffer? ring)
    {
        const int Read = 1;
        const int Write = 2;
        var mapped = new RingBuffer(size);
        ring = null;
        mapped._reader = Map(null, mapped._page, Read | Write, map, 0);
        if ((nint)mapped._reader == -1)
        {
            mapped._reader = null;
            return new((Errno)Marshal.GetLastPInvokeError());
        }

        // The records are mapped twice, one after the other, so that none is split at the end.
        mapped._writers = Map(
            null,
            mapped._page + (2 * mapped._size),
            Read,
            map,
            (nint)mapped._page
        );
        if ((nint)mapped._writers == -1)
        {
            mapped._writers = null;
            var failure = new LinuxResult((Errno)Marshal.GetLastPInvokeError());
            mapped.Dispose();
            return failure;
        }

        ring = mapped;
        return LinuxResult.Success;
    }

    /// <summary>Takes the next record, as much of it as fits.</summary>
    /// <returns>Its length there; zero where there is none.</returns>
    public int Take(Span<byte> record)
    {
        while (true)
        {
            var position = Volatile.Read(ref *(ulong*)_reader);
            if (position >= Volatile.Read(ref *(ulong*)_writers))
            {
                return 0;
            }

            var header = _writers + _page + (nuint)(position & (_size - 1));
            var length = Volatile.Read(ref *(uint*)header);
            if ((length & Busy) != 0)
            {
                return 0;
            }

            var bytes = Math.Min(length & ~Discarded, (uint)_size);
            var taken = 0;
            if ((length & Discarded) == 0)
            {
                taken = Math.Min((int)bytes, record.Length);
                new ReadOnlySpan<byte>(header + RecordHeader, taken).CopyTo(record);
            }

            Volatile.Write(ref *(ulong*)_reader, position + ((bytes + RecordHeader + 7) & ~7UL));
            if (taken > 0)
            {
                return taken;
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_writers != null)
        {
            _ = Unmap(_writers, _page + (2 * _size));
            _writers = null;
        }

        if (_reader != null)
        {
            _ = Unmap(_reader, _page);
            _reader = null;
        }
    }

    private static byte* Map(void* address, nuint length, int protection, int fd, nint offset)
    {
        const int Shared = 1;
        return MapMemory(address, length, protection, Shared, fd, offset);
    }

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial byte* MapMemory(
        void* address,
        nuint length,
        int protection,
        int flags,
        int fd,
        nint offset
    );

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    private static partial int Unmap(void* address, nuint length);
}
