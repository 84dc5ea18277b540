using System.Diagnostics;
using PinAgent.Model.Vm;
using PinAgent.NativeInterop;
using PinAgent.Observe.Files;
using PinAgent.Observe.Qemu.CommandLine;
using PinAgent.Observe.Qemu.ConfigFile;
using Xunit;

namespace PinAgent.Tests.Observe.Qemu.ConfigFile;

/// <summary>
/// Processes of this machine whose command line leads the agent to what it had better leave alone. They only wait; what they
/// name is read as if they were a QEMU.
/// </summary>
public sealed class LiveConfigFileTests : IDisposable
{
    private const string Topology = "[smp-opts]\ncpus = \"4\"\nthreads = \"2\"\n";
    private const int Nobody = 65534;

    // Below /run: /tmp is everybody's, and what is there isn't root's alone.
    private readonly string _folder = $"/run/pinagent-config-{Guid.NewGuid():N}";

    private readonly HostFiles _files = new();
    private readonly ConfigFiles _configs;
    private readonly List<Process> _processes = [];

    public LiveConfigFileTests()
    {
        Assert.SkipUnless(
            Environment.IsPrivilegedProcess,
            "makes namespaces and processes of other users: needs root"
        );
        _configs = new ConfigFiles(_files);
        Directory.CreateDirectory(_folder);
        File.WriteAllText(PathOf("vm.conf"), Topology);
    }

    public void Dispose()
    {
        foreach (var process in _processes)
        {
            process.Kill();
            process.WaitForExit();
            process.Dispose();
        }

        _files.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void A_file_is_read() => Check(null, Start([], PathOf("vm.conf")));

    [Fact]
    public void A_file_behind_links_is_read()
    {
        Directory.CreateSymbolicLink(PathOf("here"), ".");
        File.CreateSymbolicLink(
            PathOf("link"),
            $"{_folder}/here/../{Path.GetFileName(_folder)}/vm.conf"
        );

        Check(null, Start([], PathOf("here/link")));
    }

    [Fact]
    public void A_path_may_be_long_and_not_without_end()
    {
        var way = string.Concat(Enumerable.Repeat("./", 1000));
        Check(null, Start([], $"{_folder}/{way}vm.conf"));

        Directory.CreateDirectory(PathOf("a"));
        var steps = string.Concat(Enumerable.Repeat("a/../", 300));
        Check("links that lead nowhere", Start([], $"{_folder}/{steps}vm.conf"));
    }

    [Theory]
    [InlineData("/proc/self/environ")]
    [InlineData("/proc/1/environ")]
    [InlineData("/proc/kmsg")]
    [InlineData("/proc/self/root/etc/passwd")]
    [InlineData("/proc/self/fd/0")]
    [InlineData("/sys/kernel/uevent_seqnum")]
    [InlineData("/dev/zero")]
    [InlineData("/dev/stdin")]
    public void What_the_kernel_makes_up_isnt_opened(string path)
    {
        Check("file system that others answer for", Start([], path));

        File.CreateSymbolicLink(PathOf("link"), path);
        Check("file system that others answer for", Start([], PathOf("link")));
    }

    [Fact]
    public void A_FIFO_a_folder_and_a_huge_file_arent_read()
    {
        Run("mkfifo", PathOf("fifo"));
        Run("truncate", "-s", "1T", PathOf("huge"));

        Check("no regular file", Start([], PathOf("fifo")));
        Check("no regular file", Start([], _folder));
        Check("no regular file", Start([], "/"));
        Check("more than 64 KiB", Start([], PathOf("huge")));
    }

    [Fact]
    public void A_device_in_a_folder_isnt_opened()
    {
        Run("mknod", PathOf("device"), "c", "1", "5");

        Check("no regular file", Start([], PathOf("device")));
    }

    [Fact]
    public void Another_users_file_isnt_read_for_a_process_that_may_not()
    {
        File.SetUnixFileMode(PathOf("vm.conf"), (UnixFileMode)0b110_000_000);

        Check("own user", StartAs(Nobody, PathOf("vm.conf")));
        Check(null, Start([], PathOf("vm.conf")));

        File.SetUnixFileMode(PathOf("vm.conf"), (UnixFileMode)0b110_100_100);
        Check(null, StartAs(Nobody, PathOf("vm.conf")));

        File.SetUnixFileMode(_folder, (UnixFileMode)0b111_000_000);
        Check("own user", StartAs(Nobody, PathOf("vm.conf")));
    }

    // As Incus starts it: root reads the file, and then becomes nobody.
    [Fact]
    public void Roots_own_file_is_read_for_a_QEMU_that_was_told_to_give_root_away()
    {
        File.SetUnixFileMode(PathOf("vm.conf"), (UnixFileMode)0b110_100_000);
        File.SetUnixFileMode(_folder, (UnixFileMode)0b111_000_000);

        Check(null, StartAs(Nobody, PathOf("vm.conf"), "-runas", "nobody"));
        Check(
            null,
            StartAs(Nobody, PathOf("vm.conf"), "-run-with", "async-teardown=on,user=nobody")
        );
        Check("own user", StartAs(Nobody, PathOf("vm.conf"), "-run-with", "async-teardown=on"));

        // Whoever may write on the way says what is there.
        File.SetUnixFileMode(_folder, (UnixFileMode)0b111_111_111);
        Check("own user", StartAs(Nobody, PathOf("vm.conf"), "-runas", "nobody"));

        // In a container root's file may be anybody's, and a root a trap.
        File.SetUnixFileMode(_folder, (UnixFileMode)0b111_101_101);
        var apart = Start(
            ["unshare", "-m", "setpriv", "--reuid", "65534", "--clear-groups", "--regid", "65534"],
            PathOf("vm.conf"),
            "-runas",
            "nobody"
        );
        var opened = new List<string>();
        _files.Faults = path =>
        {
            opened.Add(path);
            return Errno.None;
        };
        Check("in a container", apart);
        Assert.DoesNotContain($"/proc/{apart.Id}/root", opened);
    }

    [Fact]
    public void A_file_system_that_a_process_has_mounted_is_entered_if_it_is_this_machines_alone()
    {
        var script =
            $"mount -t tmpfs none {_folder} && mkdir {_folder}/in && printf '[smp-opts]\\ncpus = \"4\"\\nthreads = \"2\"\\n' "
            + $">{_folder}/in/mine.conf && mount --bind {_folder}/in {_folder}/in";

        Check(null, Start(Apart(script), PathOf("in/mine.conf")));
    }

    // Nobody answers for this one: whoever looks a name up in it waits until its owner is gone.
    [Theory]
    [InlineData("/x.conf")]
    [InlineData("")]
    [InlineData("/..")]
    [InlineData("/a/../../vm.conf")]
    public void A_FUSE_file_system_isnt_asked_for_anything(string name)
    {
        Assert.SkipUnless(File.Exists("/dev/fuse"), "needs /dev/fuse");
        Directory.CreateDirectory(PathOf("fuse"));
        var script =
            $"exec 3<>/dev/fuse && mount -i -t fuse -o fd=3,rootmode=40000,user_id=0,group_id=0 none {PathOf("fuse")}";
        var process = Start(Apart(script), PathOf("fuse") + name);

        Check("file system that others answer for", process);
    }

    [Fact]
    public void Nothing_is_looked_for_in_a_user_namespace()
    {
        var process = Start(["unshare", "-Urm"], PathOf("vm.conf"));

        Check("user namespace of its own", process);
    }

    // /proc/PID/root needs CAP_SYS_PTRACE, which the agent doesn't have where it's installed as told.
    [Fact]
    public void Without_the_right_to_open_a_root_the_hosts_own_is_that_of_processes_that_share_it()
    {
        var apart = Start(Apart("true"), PathOf("vm.conf"));
        var process = Start([], PathOf("vm.conf"));
        _files.Faults = path =>
            path.EndsWith("/root", StringComparison.Ordinal) ? Errno.EACCES : Errno.None;

        Check(null, process);
        Check("CAP_SYS_PTRACE helps", apart);
        Check("file system that others answer for", Start([], "/proc/1/environ"));
        File.SetUnixFileMode(PathOf("vm.conf"), (UnixFileMode)0b110_000_000);
        Check("own user", StartAs(Nobody, PathOf("vm.conf")));
    }

    [Fact]
    public void A_process_that_has_ended_is_no_trap()
    {
        var process = Start([], PathOf("vm.conf"));
        var line = LineOf(process);
        process.Kill();
        process.WaitForExit();

        _ = _configs.Complete(new VmKey(process.Id, 1), line, out var note);

        Assert.NotNull(note);
    }

    private string PathOf(string name) => Path.Combine(_folder, name);

    private void Check(string? expected, Process process)
    {
        var line = _configs.Complete(new VmKey(process.Id, 1), LineOf(process), out var note);

        if (expected is null)
        {
            Assert.Null(note);
            Assert.Equal("1×2×2", line.Guest.Full.ToString());
        }
        else
        {
            Assert.Contains(expected, note, StringComparison.Ordinal);
            Assert.Equal("1×1×1", line.Guest.Full.ToString());
        }
    }

    private static QemuCommandLine LineOf(Process process) =>
        QemuCommandLine.Parse(File.ReadAllBytes($"/proc/{process.Id}/cmdline"));

    private Process StartAs(int user, string path, params string[] more) =>
        Start(
            ["setpriv", "--reuid", $"{user}", "--regid", $"{user}", "--clear-groups"],
            path,
            more
        );

    // In a mount namespace of its own, after a script has run there.
    private static string[] Apart(string script) =>
        ["unshare", "-m", "bash", "-c", script + " && exec \"$@\"", "bash"];

    // Says that it's there, with the arguments of a QEMU, and waits; not for ever, since a test that fails may wait for it.
    private Process Start(string[] before, string path, params string[] more)
    {
        string[] command =
        [
            .. before,
            "bash",
            "-c",
            "echo here; read -t 30",
            "qemu-system-x86_64",
            "-name",
            "vm",
            "-readconfig",
            path,
            .. more,
        ];
        var process = Process.Start(
            new ProcessStartInfo(command[0], command[1..])
            {
                UseShellExecute = false,
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
            }
        )!;
        _processes.Add(process);
        Assert.Equal("here", process.StandardOutput.ReadLine());
        return process;
    }

    private static void Run(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }
}
