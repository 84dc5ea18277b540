using System.Runtime.CompilerServices;
using PinAgent.NativeInterop;
using PinAgent.NativeInterop.Files;

namespace PinAgent.Observe.Files;

internal sealed partial class HostFiles
{
    /// <summary>Whether a path is on the kernel's own procfs, rather than a copy of one.</summary>
    public bool IsProcfs([InterpolatedStringHandlerArgument("")] HostPath path) =>
        FaultOf(path) == Errno.None && FileSystemType.IsProcfs(path.Bytes, _root);

    /// <summary>Opens the root of a process, to read what its command line names.</summary>
    /// <param name="isLive">Whether its <c>/proc</c> is the kernel's.</param>
    public LinuxResult OpenRoot(int pid, bool isLive, out ProcessRoot? root)
    {
        root = null;
        return Faults?.Invoke($"/proc/{pid}/root") is { } fault and not Errno.None
            ? new LinuxResult(fault)
            : ProcessRoot.Open(_root, pid, isLive, out root);
    }

    /// <summary>Holds a process's folder open.</summary>
    public LinuxResult OpenProcess(int pid, out ProcessFolder? folder) =>
        ProcessFolder.Open(_root, pid, out folder);

    /// <summary>Tells the witness of a file that was read below a process's root.</summary>
    public void Tell(int pid, string path, LinuxResult result, ReadOnlySpan<byte> content) =>
        Witness?.SeeFile($"/proc/{pid}/root{path}", result, content);

    /// <summary>Holds a file open that is read again and again.</summary>
    public LinuxResult Keep(
        [InterpolatedStringHandlerArgument("")] HostPath path,
        out KeptFile? file
    )
    {
        file = null;
        return FaultOf(path) is not Errno.None and var fault
            ? new LinuxResult(fault)
            : KeptFile.Open(path.Bytes, _root, out file);
    }

    /// <summary>Holds a folder open whose subfolders are counted again and again.</summary>
    public LinuxResult KeepFolder(
        [InterpolatedStringHandlerArgument("")] HostPath path,
        out KeptFolder? folder
    )
    {
        folder = null;
        return FaultOf(path) is not Errno.None and var fault
            ? new LinuxResult(fault)
            : KeptFolder.Open(path.Bytes, _root, out folder);
    }
}
