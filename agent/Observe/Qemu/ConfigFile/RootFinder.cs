using System.Text;
using PinAgent.NativeInterop;
using PinAgent.NativeInterop.Files;
using PinAgent.Observe.Files;
using PinAgent.Observe.Proc;

namespace PinAgent.Observe.Qemu.ConfigFile;

/// <summary>
/// Opens the root below which a file that a process's command line names is looked for, with a guard for the way from there.
/// Of a live process only where it can't turn its root into a trap meanwhile: a server that never answers holds up who opens
/// a root on its file system.
/// </summary>
internal sealed class RootFinder(HostFiles files)
{
    /// <summary>What is said of a place where others' servers or programs are behind the file system.</summary>
    public const string NotLocal =
        "is on a file system that others answer for (a network's, FUSE, a container's image), or its way there is";

    private const int Init = 1;

    private (ulong Id, string Type)? _hostRoot;

    /// <summary>Opens it.</summary>
    /// <param name="givesRootAway">Whether the process says to have begun as root and to have given that away.</param>
    /// <param name="guard">Says how far the way from there is gone; null for every way, in a record of a machine.</param>
    /// <param name="problem">Why it can't be had.</param>
    public ProcessRoot? Open(int pid, bool givesRootAway, out WayGuard? guard, out string? problem)
    {
        guard = null;
        if (!files.IsProcfs($"/proc/{pid}"))
        {
            return Opened(files.OpenRoot(pid, isLive: false, out var folder), folder, out problem);
        }

        // Who has a user namespace may mount there what they like, and a program of theirs answers for it. A kernel without
        // such namespaces has no such file.
        var mapped = files.Read($"/proc/{pid}/uid_map", out var map);
        if (mapped.Errno != Errno.ENOENT && !(mapped.IsSuccess && IsEverybody(map)))
        {
            problem =
                "belongs to a process in a user namespace of its own, where it isn't looked for";
            return null;
        }

        if (MountsOf(pid) is not { } mounts || RightsOf(pid) is not { } rights)
        {
            problem = "can't be looked for: the process's mounts or rights can't be read";
            return null;
        }

        // It's the same for as long as the machine runs.
        _hostRoot ??= MountsOf(Init) is { Roots: [.., var host] } ? host : null;
        if (_hostRoot is { } init && mounts.Roots.Contains(init) && MountsOf(Init) is { } hosts)
        {
            return OpenHosts(hosts, rights, givesRootAway, out guard, out problem);
        }

        // A container's process may change its root while it's being opened, and its pod have a server of its own. Who has
        // all rights needs no traps.
        if (!rights.IsAllPowerful)
        {
            problem = "belongs to a process in a container, where it isn't looked for";
            return null;
        }

        guard = new WayGuard(mounts, isHosts: false, rights, givesRootAway);
        return OpenGuarded(pid, guard, out problem);
    }

    // The host's own root, which is the process's: without CAP_SYS_PTRACE it can't be opened by way of a process, but then it's
    // also the agent's, or has the same files where they aren't hidden from it.
    private ProcessRoot? OpenHosts(
        MountTable hosts,
        ProcessRights rights,
        bool givesRootAway,
        out WayGuard? guard,
        out string? problem
    )
    {
        guard = new WayGuard(hosts, isHosts: true, rights, givesRootAway);
        var root = OpenGuarded(Init, guard, out problem);
        if (root is not null || !files.IsMachine || MountsOf(Environment.ProcessId) is not { } own)
        {
            return root;
        }

        guard = new WayGuard(own, isHosts: true, rights, givesRootAway);
        return guard.MayOpenRoot
            ? Checked(ProcessRoot.OpenOwn(out root), root, guard, out problem)
            : null;
    }

    private ProcessRoot? OpenGuarded(int pid, WayGuard guard, out string? problem)
    {
        problem = NotLocal;
        return guard.MayOpenRoot
            ? Checked(files.OpenRoot(pid, isLive: true, out var root), root, guard, out problem)
            : null;
    }

    private static ProcessRoot? Checked(
        LinuxResult result,
        ProcessRoot? root,
        WayGuard guard,
        out string? problem
    )
    {
        if (
            Opened(result, root, out problem) is null
            || (root!.Look(out var status).IsSuccess && guard.IsRoot(status))
        )
        {
            return root;
        }

        root.Dispose();
        problem = NotLocal;
        return null;
    }

    private static ProcessRoot? Opened(LinuxResult result, ProcessRoot? root, out string? problem)
    {
        problem =
            result.IsSuccess ? null
            : result.Errno.MeansDenied()
                ? "is below a root that can't be looked into (CAP_SYS_PTRACE helps)"
            : $"is below a root that can't be opened: {result.Errno.Describe()}";
        return root;
    }

    private MountTable? MountsOf(int pid) =>
        files.Read($"/proc/{pid}/mountinfo", out var content).IsSuccess
            ? MountTable.Parse(content)
            : null;

    private ProcessRights? RightsOf(int pid) =>
        files.Read($"/proc/{pid}/status", out var status).IsSuccess
            ? ProcessRights.Parse(status)
            : null;

    // "0 0 4294967295" is the first user namespace, or one that maps each user to the same.
    private static bool IsEverybody(ReadOnlySpan<byte> map) =>
        Encoding
            .Latin1.GetString(map)
            .Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries)
            is ["0", "0", "4294967295"];
}
