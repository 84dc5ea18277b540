using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Unicode;
using PinAgent.NativeInterop;
using PinAgent.NativeInterop.Files;
using PinAgent.Observe.Proc;
using PinAgent.Observe.Recording;

namespace PinAgent.Observe.Files;

/// <summary>
/// The files of the observed machine, below one root: <c>/</c> on the machine itself, the host's mount point in a
/// container, a folder of fixtures in a test. Every path PinAgent reads from the machine goes through here.
/// </summary>
/// <remarks>
/// Reads use one buffer again and again: what a call returns is valid until the next call. Not safe for use by
/// several threads. Reading is synchronous: the kernel makes these files up in memory.
/// </remarks>
internal sealed class HostFiles : IDisposable
{
    /// <summary>The longest root accepted, in bytes.</summary>
    public const int MaxRootLength = 4096;

    private readonly byte[] _path = new byte[2 * MaxRootLength];

    // Of another folder than /: nothing in it leads out of it.
    private readonly RootFolder? _root;
    private readonly DirectoryReader _directory = new();
    private readonly byte[] _link = new byte[4096];
    private byte[] _content = new byte[16 * 1024];

    /// <summary>Creates the reader.</summary>
    /// <param name="root">The folder in which <c>/proc</c> and <c>/sys</c> are looked for.</param>
    /// <exception cref="ArgumentException">The root's name is too long.</exception>
    public HostFiles(string root = "/")
    {
        Root = root;
        var length = Encoding.UTF8.GetByteCount(root.TrimEnd('/'));
        if (length > MaxRootLength)
        {
            throw new ArgumentException(
                $"host root: expected a path of at most {MaxRootLength} bytes, found {length}.",
                nameof(root)
            );
        }

        _root = IsMachine ? null : new RootFolder(root);
    }

    /// <summary>The root as it was given.</summary>
    public string Root { get; }

    /// <summary>Whether these are the files of the machine that the agent runs on, rather than of a folder.</summary>
    public bool IsMachine => Root.TrimEnd('/').Length == 0;

    /// <summary>Told of every file and link that is read; null for nobody.</summary>
    internal IFileWitness? Witness { get; init; }

    /// <summary>Reads a whole file.</summary>
    /// <param name="path">The path below the root, as an interpolated string that begins with a slash.</param>
    /// <param name="content">The bytes; valid until the next call.</param>
    public LinuxResult Read(
        [InterpolatedStringHandlerArgument("")] HostPath path,
        out ReadOnlySpan<byte> content
    )
    {
        content = default;
        if (path.IsTooLong)
        {
            return new LinuxResult(Errno.ENAMETOOLONG);
        }

        var result = KernelFile.Read(path.Bytes, ref _content, out var length, _root);
        content = _content.AsSpan(0, length);
        Witness?.SeeFile(path.Text, result, content);
        return result;
    }

    /// <summary>Reads a file as text, for files that are read seldom; bytes that aren't UTF-8 are replaced.</summary>
    /// <param name="path">The path below the root.</param>
    /// <param name="text">The text without the white space around it; empty when the read failed.</param>
    public LinuxResult ReadText(
        [InterpolatedStringHandlerArgument("")] HostPath path,
        out string text
    )
    {
        var result = Read(path, out var content);
        text = Encoding.UTF8.GetString(content).Trim();
        return result;
    }

    /// <summary>Reads where a symbolic link points to.</summary>
    /// <param name="path">The path below the root.</param>
    /// <param name="target">The target; valid until the next call.</param>
    public LinuxResult ReadLink(
        [InterpolatedStringHandlerArgument("")] HostPath path,
        out ReadOnlySpan<byte> target
    )
    {
        target = default;
        if (path.IsTooLong)
        {
            return new LinuxResult(Errno.ENAMETOOLONG);
        }

        var result = KernelFile.ReadLink(path.Bytes, _link, out var length, _root);
        target = _link.AsSpan(0, length);
        Witness?.SeeLink(path.Text, result, target);
        return result;
    }

    /// <summary>Whether a directory has so many subdirectories. A file system that doesn't count says no.</summary>
    /// <param name="path">The path below the root.</param>
    /// <param name="count">How many.</param>
    [System.Diagnostics.CodeAnalysis.SuppressMessage(
        "Performance",
        "CA1822",
        Justification = "The path is built in this reader's own buffer."
    )]
    public bool HasFolders([InterpolatedStringHandlerArgument("")] HostPath path, int count) =>
        !path.IsTooLong
        && KernelFile.CountFolders(path.Bytes, out var found, _root).IsSuccess
        && found == count;

    /// <summary>Lists the entries of a directory whose names are numbers, in ascending order: processes, threads.</summary>
    /// <param name="path">The path below the root.</param>
    /// <param name="numbers">Receives the numbers; cleared first.</param>
    public LinuxResult ListNumbers(
        [InterpolatedStringHandlerArgument("")] HostPath path,
        List<int> numbers
    )
    {
        numbers.Clear();
        var result = path.IsTooLong
            ? new LinuxResult(Errno.ENAMETOOLONG)
            : _directory.Open(path.Bytes, _root);
        while (_directory.MoveNext())
        {
            if (
                int.TryParse(
                    _directory.Name,
                    NumberStyles.None,
                    CultureInfo.InvariantCulture,
                    out var number
                )
            )
            {
                numbers.Add(number);
            }
        }

        _directory.Dispose();
        numbers.Sort();
        return result;
    }

    /// <summary>Lists the names in a directory, in ordinal order.</summary>
    /// <param name="path">The path below the root.</param>
    /// <param name="names">Receives the names; cleared first.</param>
    public LinuxResult ListNames(
        [InterpolatedStringHandlerArgument("")] HostPath path,
        List<string> names
    )
    {
        names.Clear();
        var result = path.IsTooLong
            ? new LinuxResult(Errno.ENAMETOOLONG)
            : _directory.Open(path.Bytes, _root);
        while (_directory.MoveNext())
        {
            names.Add(Encoding.UTF8.GetString(_directory.Name));
        }

        _directory.Dispose();
        names.Sort(StringComparer.Ordinal);
        return result;
    }

    /// <summary>
    /// Whether the root's <c>/proc</c> is a live procfs that shows this process's own PID namespace: only then are
    /// its thread ids the ones that the kernel takes from us.
    /// </summary>
    public bool HasLiveProc()
    {
        HostPath proc = new(0, 0, this);
        proc.AppendLiteral("/proc");
        if (!FileSystemType.IsProcfs(proc.Bytes, _root))
        {
            return false;
        }

        // `self` is a link that only the kernel makes.
        HostPath self = new(0, 0, this);
        self.AppendLiteral("/proc/self");
        if (
            !KernelFile.ReadLink(self.Bytes, _link, out var length, _root).IsSuccess
            || !int.TryParse(_link.AsSpan(0, length), CultureInfo.InvariantCulture, out var number)
            || number != Environment.ProcessId
        )
        {
            return false;
        }

        // In the procfs of another PID namespace `self` is another number, or more than one.
        return Read($"/proc/self/status", out var status).IsSuccess
            && ProcStatus.TryParseNamespacePids(status, out var pids)
            && pids is [var pid]
            && pid == Environment.ProcessId;
    }

    /// <summary>The path below the root, as it is for the file system: for messages.</summary>
    public string Display(string path) => Root.TrimEnd('/') + path;

    /// <inheritdoc/>
    public void Dispose()
    {
        _directory.Dispose();
        _root?.Dispose();
    }

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
        /// <param name="literalLength">Unused; part of the compiler's pattern.</param>
        /// <param name="formattedCount">Unused; part of the compiler's pattern.</param>
        /// <param name="files">The reader whose buffer is used.</param>
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

        /// <summary>Appends a part of the string between the holes.</summary>
        public void AppendLiteral(string text) => AppendFormatted(text);

        /// <summary>Appends a text.</summary>
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

        /// <summary>Appends a number.</summary>
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
