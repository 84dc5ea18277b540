using System.Text;
using PinAgent.Model.Vm;
using PinAgent.NativeInterop;
using PinAgent.Observe.Files;
using PinAgent.Observe.Qemu.CommandLine;

namespace PinAgent.Observe.Qemu.ConfigFile;

/// <summary>
/// Reads the files of a QEMU's <c>-readconfig</c>: every VM of Incus has its topology there. QEMU has read them when it
/// started, so what was read once holds for as long as it runs with these arguments.
/// </summary>
internal sealed class ConfigFiles(HostFiles files)
{
    private readonly Dictionary<VmKey, (int Hash, QemuCommandLine Line)> _known = [];
    private readonly RootFinder _roots = new(files);

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

        using var root = _roots.Open(pid, givesRootAway, out var guard, out problem);
        if (root is null)
        {
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

    private static string Why(Errno errno) =>
        errno switch
        {
            Errno.EXDEV => RootFinder.NotLocal,
            Errno.EACCES or Errno.EPERM =>
                "may not be read by QEMU's own user, or not by the agent",
            Errno.EFBIG => $"has more than {Bounds.ConfigFile / 1024} KiB",
            Errno.EINVAL => "is no regular file",
            Errno.ENOENT or Errno.ENOTDIR => "isn't there, or isn't there any more",
            Errno.ELOOP => "is behind links that lead nowhere",
            _ => $"can't be read: {errno.Describe()}",
        };
}
