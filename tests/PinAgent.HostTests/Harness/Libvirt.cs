using System.Globalization;
using System.Text;
using CliWrap;
using CliWrap.Buffered;
using Xunit;

namespace PinAgent.HostTests.Harness;

/// <summary>
/// A real libvirtd of the test's own, as root, as on a host: it puts guests into cgroups. Its files are in a folder of the
/// test's, which a mount namespace shows it in their usual places.
/// </summary>
public class Libvirt : IAsyncDisposable
{
    // Debian's packages make these; a libvirtd without them doesn't start its QEMU driver.
    private const string Users = "libvirt-qemu:x:64055:64055::/var/lib/libvirt:/usr/sbin/nologin";
    private const string Groups = "libvirt-qemu:x:64055:\nkvm:x:64056:";

    private static readonly string[] Shown =
    [
        "/etc/libvirt",
        "/var/lib/libvirt",
        "/run/libvirt",
        "/var/cache/libvirt",
        "/var/log/libvirt",
    ];

    private readonly TemporaryFolder _folder = new();
    private readonly CancellationTokenSource _kill = new();
    private CommandTask<CommandResult>? _run;
    private readonly StringBuilder _log = new();
    private readonly List<string> _cgroups = [.. Cgroups()];

    /// <summary>More lines of its qemu.conf.</summary>
    private protected virtual string MoreOfQemu => "";

    /// <summary>Starts it unless it runs, and waits until it answers.</summary>
    public async Task StartAsync()
    {
        Requires.RealGuests(cpus: 2);
        Requires.Program("libvirtd");
        Requires.Program("virsh");
        if (_run is null)
        {
            _run = Begin();
        }

        while ((await TryAsync("version")).ExitCode != 0)
        {
            Assert.False(_run.Task.IsCompleted, $"libvirtd ended: {_log}");
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }

    private CommandTask<CommandResult> Begin()
    {
        Write("libvirtd.conf", $"unix_sock_dir = \"{_folder.Path}\"\nauth_unix_rw = \"none\"\n");
        Write("passwd", $"{File.ReadAllText("/etc/passwd").TrimEnd()}\n{Users}\n");
        Write("group", $"{File.ReadAllText("/etc/group").TrimEnd()}\n{Groups}\n");
        var mounts = new List<string> { "set -e" };
        foreach (var folder in Shown)
        {
            var own = $"{_folder.Path}{folder}";
            Directory.CreateDirectory(own);
            mounts.Add($"mkdir -p {folder} && mount --bind {own} {folder}");
        }

        foreach (var file in new[] { "passwd", "group" })
        {
            mounts.Add($"mount --bind {_folder.Path}/{file} /etc/{file}");
        }

        Write(
            "etc/libvirt/qemu.conf",
            """
            user = "root"
            group = "root"
            security_driver = "none"
            namespaces = [ ]
            stdio_handler = "file"

            """ + MoreOfQemu
        );
        mounts.Add(
            $"exec libvirtd --config {_folder.Path}/libvirtd.conf --pid-file {_folder.Path}/pid"
        );
        return Cli.Wrap("unshare")
            .WithArguments(["--mount", "bash", "-c", string.Join('\n', mounts)])
            .WithValidation(CommandResultValidation.None)
            .WithStandardErrorPipe(PipeTarget.ToStringBuilder(_log))
            .ExecuteAsync(_kill.Token);
    }

    /// <summary>Starts a paused guest.</summary>
    /// <param name="vcpu">The element <c>vcpu</c> and what comes behind it.</param>
    internal async Task<LibvirtGuest> CreateAsync(string name, string vcpu)
    {
        Write(
            $"{name}.xml",
            $"""
            <domain type='qemu'>
              <name>{name}</name>
              <memory unit='MiB'>32</memory>
              {vcpu}
              <os><type arch='x86_64'>hvm</type></os>
              <devices><emulator>/usr/bin/qemu-system-x86_64</emulator><memballoon model='none'/></devices>
            </domain>
            """
        );
        await VirshAsync("create", "--paused", $"{_folder.Path}/{name}.xml");
        var pid = int.Parse(
            await File.ReadAllTextAsync(
                $"{_folder.Path}/run/libvirt/qemu/{name}.pid",
                TestContext.Current.CancellationToken
            ),
            CultureInfo.InvariantCulture
        );
        return new LibvirtGuest(pid, () => TryAsync("destroy", name));
    }

    /// <summary>Runs virsh.</summary>
    public async Task VirshAsync(params string[] arguments)
    {
        var result = await TryAsync(arguments);
        Assert.True(result.ExitCode == 0, result.StandardError);
    }

    public async ValueTask DisposeAsync()
    {
        await _kill.CancelAsync();
        if (_run is not null)
        {
            await _run.Task.ContinueWith(_ => { }, TaskScheduler.Default);
        }

        _kill.Dispose();
        // It leaves the folder of all its guests.
        foreach (var cgroup in Cgroups().Except(_cgroups).Where(Directory.Exists))
        {
            Directory.Delete(cgroup);
        }

        _folder.Dispose();
        GC.SuppressFinalize(this);
    }

    private static IEnumerable<string> Cgroups() =>
        Directory
            .GetDirectories("/sys/fs/cgroup")
            .Append("/sys/fs/cgroup")
            .Select(hierarchy => $"{hierarchy}/machine")
            .Where(Directory.Exists);

    private void Write(string file, string text) =>
        File.WriteAllText(Path.Combine(_folder.Path, file), text);

    private async Task<BufferedCommandResult> TryAsync(params string[] arguments) =>
        await Cli.Wrap("virsh")
            .WithArguments([
                "-q",
                "-c",
                $"qemu:///system?socket={_folder.Path}/libvirt-sock",
                .. arguments,
            ])
            .WithValidation(CommandResultValidation.None)
            .ExecuteBufferedAsync();
}

/// <summary>A guest of libvirt's, which ends with the test.</summary>
internal sealed record LibvirtGuest(int Pid, Func<Task> Destroy) : IAsyncDisposable
{
    /// <summary>Ends it; the next guest finds its CPUs free.</summary>
    public async ValueTask DisposeAsync()
    {
        await Destroy();
        while (Directory.Exists($"/proc/{Pid}/task/{Pid}"))
        {
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }
}

/// <summary>One that has no cgroups to write, as in a pod of KubeVirt's: masks are all that it sets.</summary>
public sealed class LibvirtWithoutCgroups : Libvirt
{
    private protected override string MoreOfQemu => "cgroup_controllers = [ ]\n";
}
