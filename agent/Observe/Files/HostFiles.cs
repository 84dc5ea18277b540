using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
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
internal sealed partial class HostFiles : IDisposable
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

    /// <summary>The error that reading a path is to end with, for tests of what the kernel seldom answers; null for none.</summary>
    internal Func<string, Errno>? Faults { get; set; }

    /// <summary>Reads a whole file.</summary>
    /// <param name="path">The path below the root, as an interpolated string that begins with a slash.</param>
    /// <param name="content">The bytes; valid until the next call.</param>
    /// <param name="limit">How many bytes it may have.</param>
    /// <param name="isOnePiece">As in <see cref="ReadOnePiece"/>.</param>
    /// <returns><see cref="Errno.EFBIG"/> for a longer one.</returns>
    public LinuxResult Read(
        [InterpolatedStringHandlerArgument("")] HostPath path,
        out ReadOnlySpan<byte> content,
        int limit = Bounds.File,
        bool isOnePiece = false
    )
    {
        var result = ReadPrefix(path, limit, out content, out var isWhole, isOnePiece);
        if (result.IsSuccess && !isWhole)
        {
            content = default;
            result = new LinuxResult(Errno.EFBIG);
        }

        return result;
    }

    /// <summary>
    /// Reads a whole file that the kernel hands out as one piece, with a system call less: <c>stat</c>, <c>status</c>, <c>cgroup</c>,
    /// a value of sysfs or of a cgroup.
    /// </summary>
    public LinuxResult ReadOnePiece(
        [InterpolatedStringHandlerArgument("")] HostPath path,
        out ReadOnlySpan<byte> content
    ) => Read(path, out content, isOnePiece: true);

    /// <summary>Reads the beginning of a file, up to a limit in bytes. What is read is valid until the next call.</summary>
    public LinuxResult ReadPrefix(
        [InterpolatedStringHandlerArgument("")] HostPath path,
        int limit,
        out ReadOnlySpan<byte> content,
        out bool isWhole,
        bool isOnePiece = false
    )
    {
        content = default;
        isWhole = false;
        if (FaultOf(path) is not Errno.None and var fault)
        {
            return new LinuxResult(fault);
        }

        var result = KernelFile.ReadPrefix(
            path.Bytes,
            ref _content,
            limit,
            out var length,
            out isWhole,
            _root,
            isOnePiece
        );
        content = _content.AsSpan(0, length);
        Witness?.SeeFile(path.Text, result, content);
        return result;
    }

    /// <summary>Reads a file as text, for files that are read seldom; bytes that aren't UTF-8 are replaced.</summary>
    /// <returns>The text is without the white space around it; empty when the read failed.</returns>
    public LinuxResult ReadText(
        [InterpolatedStringHandlerArgument("")] HostPath path,
        out string text
    )
    {
        var result = Read(path, out var content);
        text = Encoding.UTF8.GetString(content).Trim();
        return result;
    }

    /// <summary>Reads where a symbolic link points to; valid until the next call.</summary>
    public LinuxResult ReadLink(
        [InterpolatedStringHandlerArgument("")] HostPath path,
        out ReadOnlySpan<byte> target
    )
    {
        target = default;
        if (FaultOf(path) is not Errno.None and var fault)
        {
            return new LinuxResult(fault);
        }

        var result = KernelFile.ReadLink(path.Bytes, _link, out var length, _root);
        target = _link.AsSpan(0, length);
        Witness?.SeeLink(path.Text, result, target);
        return result;
    }

    /// <summary>How many subdirectories a directory has; null where the file system doesn't count, or it can't be read.</summary>
    public long? CountFolders([InterpolatedStringHandlerArgument("")] HostPath path) =>
        FaultOf(path) == Errno.None
        && KernelFile.CountFolders(path.Bytes, out var found, _root).IsSuccess
        && found >= 0
            ? found
            : null;

    /// <summary>
    /// Lists the entries of a directory whose names are numbers, in ascending order: processes, threads. With a limit, they are
    /// the first ones in the directory's own order, which is the threads' age.
    /// </summary>
    public LinuxResult ListNumbers(
        [InterpolatedStringHandlerArgument("")] HostPath path,
        List<int> numbers,
        int limit = Bounds.Processes
    )
    {
        numbers.Clear();
        var result = Open(path);
        while (numbers.Count < limit && _directory.MoveNext())
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
        return result.IsSuccess ? _directory.Result : result;
    }

    /// <summary>Lists the names in a directory, in ordinal order.</summary>
    public LinuxResult ListNames(
        [InterpolatedStringHandlerArgument("")] HostPath path,
        List<string> names,
        int limit = Bounds.Names
    )
    {
        names.Clear();
        var result = Open(path);
        while (names.Count < limit && _directory.MoveNext())
        {
            names.Add(Encoding.UTF8.GetString(_directory.Name));
        }

        _directory.Dispose();
        names.Sort(StringComparer.Ordinal);
        return result.IsSuccess ? _directory.Result : result;
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

    private LinuxResult Open(HostPath path) =>
        FaultOf(path) is not Errno.None and var fault
            ? new LinuxResult(fault)
            : _directory.Open(path.Bytes, _root);

    private Errno FaultOf(HostPath path) =>
        path.IsTooLong ? Errno.ENAMETOOLONG : Faults?.Invoke(path.Text) ?? Errno.None;
}
