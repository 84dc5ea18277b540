using System.Text;
using PinAgent.Model.Vm;
using PinAgent.NativeInterop;
using PinAgent.NativeInterop.Files;
using PinAgent.Observe.Files;
using PinAgent.Observe.Proc;
using PinAgent.Observe.Qemu.CommandLine;

namespace PinAgent.Observe.Qemu.ConfigFile;

/// <summary>
/// Reads the files of a QEMU's <c>-readconfig</c>: every VM of Incus has its topology there. QEMU has read them when it
/// started, so what was read once holds for as long as it runs with these arguments.
/// </summary>
internal sealed class ConfigFiles(HostFiles files)
{
    private const string NotItsOwn =
        "is on a file system that others answer for (a network's, FUSE, a container's image), or its way there is";

    private readonly Dictionary<VmKey, (int Hash, QemuCommandLine Line)> _known = [];
    private (ulong Id, string Type)? _hostRoot;

    /// <summary>Completes what a command line says by what its files do.</summary>
    /// <param name="line">The command line, read without the files.</param>
    /// <param name="note">What an administrator should know of it; null for nothing.</param>
    public QemuCommandLine Complete(VmKey vm, QemuCommandLine line, out string? note)
    {
        note = null;
        if (
            !files
                .ReadPrefix(
                    $"/proc/{vm.Pid}/cmdline",
                    Bounds.CommandLine,
                    out var arguments,
                    out var isWhole
                )
                .IsSuccess
        )
        {
            note =
                "a file of QEMU's -readconfig can't be told: its command line isn't there any more";
            return line;
        }

        var code = new HashCode();
        code.AddBytes(arguments);
        var hash = code.ToHashCode();
        if (_known.TryGetValue(vm, out var known) && known.Hash == hash)
        {
            return known.Line;
        }

        // The files' bytes take the place of the arguments' in the reader's buffer.
        var own = arguments.ToArray();
        var configs = new List<QemuConfig?>();
        string? why = null;
        foreach (var path in line.ConfigFiles.Take(Bounds.ConfigFiles))
        {
            var config = Read(vm.Pid, path, line.GivesRootAway, out var problem);
            configs.Add(config);
            why ??= problem;
        }

        why ??=
            line.ConfigFiles.Length > Bounds.ConfigFiles
                ? $"is one of more than {Bounds.ConfigFiles}"
                : null;
        var whole = QemuCommandLine.Parse(own, isWhole, configs);
        why ??= whole.HasUnknownCpus ? "isn't as QEMU has read it" : null;
        if (why is null)
        {
            _known[vm] = (hash, whole);
            return whole;
        }

        _known.Remove(vm);
        note = whole.SaysCpus
            ? $"a file of QEMU's -readconfig {why}: the guest's topology is taken from the rest of the command line"
            : $"a file of QEMU's -readconfig {why}, so the guest's topology isn't known: each vCPU has a CPU of its own, "
                + "and guest siblings may be on different cores; give QEMU -smp as well";
        return whole;
    }

    /// <summary>Forgets the VMs that are no longer there.</summary>
    public void Forget(IReadOnlySet<VmKey> alive)
    {
        foreach (var gone in _known.Keys.Where(vm => !alive.Contains(vm)).ToList())
        {
            _known.Remove(gone);
        }
    }

    // A problem never says what is in the file.
    private QemuConfig? Read(int pid, string path, bool givesRootAway, out string? problem)
    {
        problem = "has no absolute path";
        if (!path.StartsWith('/'))
        {
            return null;
        }

        var isLive = files.IsProcfs($"/proc/{pid}");
        WayGuard? guard = null;
        var isHosts = false;
        if (isLive && !TryMakeGuard(pid, givesRootAway, out guard, out isHosts, out problem))
        {
            return null;
        }

        var opened = files.OpenRoot(pid, isLive, out var root);
        if (opened.Errno.MeansDenied() && isHosts && files.IsMachine)
        {
            // Without CAP_SYS_PTRACE nobody's root can be opened, but the host's own is at hand.
            guard = OwnGuard(pid, givesRootAway);
            opened = guard is null ? opened : ProcessRoot.OpenOwn(out root);
        }

        using (root)
        {
            if (!opened.IsSuccess || root is null)
            {
                problem = opened.Errno.MeansDenied()
                    ? "is below a root that can't be looked into (CAP_SYS_PTRACE helps)"
                    : $"is below a root that can't be opened: {opened.Errno.Describe()}";
                return null;
            }

            if (guard is not null && !(root.Look(out var status).IsSuccess && guard.IsRoot(status)))
            {
                problem = NotItsOwn;
                return null;
            }

            var result = root.Read(
                Encoding.Latin1.GetBytes(path + '\0'),
                Bounds.ConfigFile,
                guard,
                out var content
            );
            var config = result.IsSuccess ? QemuConfig.Parse(content) : null;
            var name = Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(path));
            files.Tell(pid, name, result, config?.ToFile() ?? []);
            problem =
                config is not null ? null
                : result.IsSuccess ? "isn't written as QEMU's are"
                : Why(result.Errno);
            return config;
        }
    }

    private bool TryMakeGuard(
        int pid,
        bool givesRootAway,
        out WayGuard? guard,
        out bool isHosts,
        out string? problem
    )
    {
        (guard, isHosts) = (null, false);

        // Who has a user namespace may mount there what they like, and a program of theirs answers for it.
        // A kernel without such namespaces has no such file.
        var mapped = files.Read($"/proc/{pid}/uid_map", out var map);
        if (mapped.Errno != Errno.ENOENT && !(mapped.IsSuccess && IsEverybody(map)))
        {
            problem =
                "belongs to a process in a user namespace of its own, where it isn't looked for";
            return false;
        }

        problem = "can't be looked for: the process's mounts or rights can't be read";
        if (MountsOf(pid) is not { } mounts || RightsOf(pid) is not { } rights)
        {
            return false;
        }

        // It's the same for as long as the machine runs.
        _hostRoot ??= MountsOf(1) is { Roots: [.., var host] } ? host : null;
        isHosts = _hostRoot is { } root && mounts.Roots.Contains(root);
        guard = new WayGuard(mounts, isHosts, rights, givesRootAway);
        problem = NotItsOwn;
        return guard.MayOpenRoot;
    }

    private WayGuard? OwnGuard(int pid, bool givesRootAway) =>
        MountsOf(Environment.ProcessId) is { } mounts
        && RightsOf(pid) is { } rights
        && new WayGuard(mounts, isHosts: true, rights, givesRootAway) is { MayOpenRoot: true } guard
            ? guard
            : null;

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

    private static string Why(Errno errno) =>
        errno switch
        {
            Errno.EXDEV => NotItsOwn,
            Errno.EACCES or Errno.EPERM =>
                "may not be read by QEMU's own user, or not by the agent",
            Errno.EFBIG => $"has more than {Bounds.ConfigFile / 1024} KiB",
            Errno.EINVAL => "is no regular file",
            Errno.ENOENT or Errno.ENOTDIR => "isn't there, or isn't there any more",
            Errno.ELOOP => "is behind links that lead nowhere",
            _ => $"can't be read: {errno.Describe()}",
        };
}
