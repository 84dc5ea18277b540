using System.Text;
using PinAgent.NativeInterop;
using PinAgent.NativeInterop.Files;
using PinAgent.Observe.Files;
using Xunit;

namespace PinAgent.Tests.Observe.Files;

/// <summary>
/// Another root than <c>/</c>: no link in it leads out of it, whether the kernel sees to that or the agent by hand. Where
/// the kernel's own answer is asked for, by hand must say the same.
/// </summary>
public sealed class HostRootTests : IDisposable
{
    private readonly FakeHost _host = new();

    // There's a file of this name outside.
    private readonly string _outside = Directory.CreateTempSubdirectory("pinagent-out-").FullName;

    public HostRootTests() => File.WriteAllText($"{_outside}/secret", "secret");

    public void Dispose()
    {
        _host.Dispose();
        Directory.Delete(_outside, recursive: true);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Links_that_an_ordinary_root_has_mean_what_they_mean_there(bool byHand)
    {
        _host.Write("/run/pinagent/x", "inside").Write("/etc/name", "named");
        _host
            .Link("/var/run", "/run")
            .Link("/a/b/up", "../../run")
            .Link("/a/chain", "b/up/pinagent");
        _host.Link("/top", "/").Link("/dots", "../../../../../../etc/./name");

        Assert.Equal("inside", Read("/var/run/pinagent/x", byHand));
        Assert.Equal("inside", Read("/a/b/up/pinagent/x", byHand));
        Assert.Equal("inside", Read("/a/chain/x", byHand));
        Assert.Equal("inside", Read("/top/run//pinagent/./x", byHand));
        Assert.Equal("inside", Read("/run/pinagent/../../../../run/pinagent/x", byHand));
        Assert.Equal("named", Read("/dots", byHand));
        Assert.Equal(["pinagent"], Names("/var/run", byHand));
        Assert.Contains("run", Names("/top", byHand));
        Assert.Contains("run", Names("/", byHand));
        Assert.Contains("run", Names("/..", byHand));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void No_link_leads_out(bool byHand)
    {
        _host.Link("/absolute", $"{_outside}/secret").Link("/folder", _outside);
        _host.Link("/relative", $"../../../../../..{_outside}/secret").Link("/proc", "/proc");
        _host.Link("/one", "/absolute");

        foreach (var path in new[] { "/absolute", "/relative", "/one", "/folder/secret" })
        {
            Assert.Equal(Errno.ENOENT, TryRead(path, byHand, out _));
        }

        // It means itself there.
        Assert.Equal(Errno.ELOOP, TryRead("/proc/self/status", byHand, out _));
        Assert.Equal(Errno.ENOENT, TryRead($"/..{_outside}/secret", byHand, out _));
        Assert.Equal($"{_outside}/secret", ReadLink("/absolute", byHand));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Links_of_proc_to_what_a_process_has_open_are_read_and_never_followed(bool byHand)
    {
        using var root = new RootFolder("/", byHand);
        byte[] buffer = [];
        var target = new byte[4096];

        foreach (var path in new[] { "/proc/self/exe", "/proc/self/cwd/x", "/proc/self/root/etc" })
        {
            Assert.Equal(Errno.ELOOP, KernelFile.Read(Bytes(path), ref buffer, out _, root).Errno);
        }

        Assert.True(
            KernelFile.ReadLink(Bytes("/proc/self/exe"), target, out var length, root).IsSuccess
        );
        Assert.Equal(Environment.ProcessPath, Encoding.UTF8.GetString(target.AsSpan(0, length)));
        Assert.True(KernelFile.Read(Bytes("/proc/self/status"), ref buffer, out _, root).IsSuccess);
        Assert.True(FileSystemType.IsProcfs(Bytes("/proc"), root));
        Assert.True(
            KernelFile.CountFolders(Bytes("/proc/self/task"), out var tasks, root).IsSuccess
        );
        Assert.InRange(tasks, 1, 10_000);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_cannot_be_opened_says_the_same_both_ways(bool byHand)
    {
        _host
            .Write("/file", "x")
            .Folder("/folder")
            .Link("/loop", "loop")
            .Link("/dangling", "nowhere");
        using var root = new RootFolder(_host.Root, byHand);
        using var reader = new DirectoryReader();

        Assert.Equal(Errno.ENOENT, TryRead("/none", byHand, out _));
        Assert.Equal(Errno.ENOENT, TryRead("/dangling", byHand, out _));
        Assert.Equal(Errno.ELOOP, TryRead("/loop", byHand, out _));
        Assert.Equal(Errno.ENOTDIR, TryRead("/file/x", byHand, out _));
        Assert.Equal(Errno.EISDIR, TryRead("/folder", byHand, out _));
        Assert.Equal(Errno.ENOENT, TryRead("", byHand, out _));
        Assert.Equal(Errno.ENOTDIR, reader.Open(Bytes("/file"), root).Errno);
        Assert.Equal(
            Errno.EINVAL,
            KernelFile.ReadLink(Bytes("/file"), new byte[9], out _, root).Errno
        );
        Assert.Equal(
            Errno.ENOENT,
            KernelFile.ReadLink(Bytes("/none"), new byte[9], out _, root).Errno
        );
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void No_descriptor_is_left_open(bool byHand)
    {
        _host.Write("/a/b/c", "x").Link("/link", "/a/../a/b").Link("/loop", "/a/../loop");
        using var root = new RootFolder(_host.Root, byHand);
        byte[] buffer = [];

        // The runtime's own come and go; a thousand don't.
        var before = Directory.GetFiles("/proc/self/fd").Length;
        for (var i = 0; i < 1000; i++)
        {
            KernelFile.Read(Bytes("/link/c"), ref buffer, out _, root);
            KernelFile.Read(Bytes("/loop"), ref buffer, out _, root);
            KernelFile.ReadLink(Bytes("/link"), new byte[99], out _, root);
            KernelFile.CountFolders(Bytes("/link"), out _, root);
        }

        Assert.InRange(Directory.GetFiles("/proc/self/fd").Length, 1, before + 500);
    }

    [Fact]
    public void A_root_that_is_not_there_is_an_error_of_every_file()
    {
        using var files = new HostFiles("/nowhere/at/all");

        Assert.Equal(Errno.ENOENT, files.Read($"/proc/stat", out _).Errno);
        Assert.False(files.HasLiveProc());
    }

    [Fact]
    public void The_root_is_the_folder_that_was_opened_whatever_its_path_means_later()
    {
        _host.Write("/sys/x", "ours");
        var name = $"{_outside}/root";
        Directory.CreateSymbolicLink(name, _host.Root);
        using var files = new HostFiles(name);

        File.Delete(name);
        Directory.CreateDirectory($"{name}/sys");
        File.WriteAllText($"{name}/sys/x", "theirs");

        Assert.True(files.ReadText($"/sys/x", out var text).IsSuccess);
        Assert.Equal("ours", text);
    }

    [Fact]
    public void A_proc_that_is_a_link_to_the_live_one_is_no_live_proc()
    {
        _host.Link("/proc", "/proc");
        Assert.False(_host.Files.HasLiveProc());

        _host.Link("/proc", "../../../../../../../proc");
        Assert.False(_host.Files.HasLiveProc());
    }

    [Fact]
    public void The_machines_own_proc_is_known_below_whatever_name_its_root_has()
    {
        using var machine = new HostFiles("/");
        using var other = new HostFiles("/.");

        Assert.True(machine.IsMachine);
        Assert.False(other.IsMachine);
        Assert.Equal(machine.HasLiveProc(), other.HasLiveProc());
    }

    [Fact]
    public void Files_are_watched_below_the_root_too()
    {
        _host.Write("/group/cpuset.cpus", "0").Link("/in", "/group").Link("/out", _outside);
        using var root = new RootFolder(_host.Root);
        Assert.True(Inotify.TryOpen(out var inotify).IsSuccess);
        using (inotify)
        {
            Assert.True(inotify!.WatchFile(Bytes("/in/cpuset.cpus"), out _, root).IsSuccess);
            Assert.Equal(Errno.ENOENT, inotify.WatchFile(Bytes("/out/secret"), out _, root).Errno);
            Assert.Equal(Errno.ENOENT, inotify.WatchFolder(Bytes("/out"), root).Errno);

            File.WriteAllText(_host.PathOf("/group/cpuset.cpus"), "1");
            Assert.True(inotify.Next([]).IsSuccess);
        }
    }

    private string Read(string path, bool byHand)
    {
        Assert.Equal(Errno.None, TryRead(path, byHand, out var text));
        return text;
    }

    private Errno TryRead(string path, bool byHand, out string text)
    {
        using var root = new RootFolder(_host.Root, byHand);
        byte[] buffer = [];
        var result = KernelFile.Read(Bytes(path), ref buffer, out var length, root);
        text = Encoding.UTF8.GetString(buffer.AsSpan(0, length));
        return result.Errno;
    }

    private string ReadLink(string path, bool byHand)
    {
        using var root = new RootFolder(_host.Root, byHand);
        var target = new byte[4096];
        Assert.True(KernelFile.ReadLink(Bytes(path), target, out var length, root).IsSuccess);
        return Encoding.UTF8.GetString(target.AsSpan(0, length));
    }

    private List<string> Names(string path, bool byHand)
    {
        using var root = new RootFolder(_host.Root, byHand);
        using var reader = new DirectoryReader();
        Assert.True(reader.Open(Bytes(path), root).IsSuccess);
        var names = new List<string>();
        while (reader.MoveNext())
        {
            names.Add(Encoding.UTF8.GetString(reader.Name));
        }

        return names;
    }

    private static byte[] Bytes(string path) => Encoding.UTF8.GetBytes(path + '\0');
}
