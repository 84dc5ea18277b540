using System.Collections.Immutable;
using System.Diagnostics;
using PinAgent.Model.Vm;
using PinAgent.Observe.Qemu;
using Xunit;

namespace PinAgent.Tests.Observe.Qemu.ConfigFile;

/// <summary>A VM whose topology is in a file, on a machine that was recorded: its root is a plain folder.</summary>
public sealed class ConfigFileTests : IDisposable
{
    private const string Path = "/run/incus/v1/qemu.conf";
    private const string Topology = "[smp-opts]\ncpus = \"4\"\nthreads = \"2\"\n";

    private readonly FakeHost _host = new FakeHost()
        .MountCgroup2()
        .Write("/proc/uptime", "5000.00 9000.00\n");

    private readonly QemuObserver _observer;

    public ConfigFileTests()
    {
        _observer = new QemuObserver(_host.Files, new RecordedAffinityReader(_host.Files));
        Guest(Path);
    }

    public void Dispose() => _host.Dispose();

    [Fact]
    public void Its_topology_is_read_below_its_own_root()
    {
        _host.Write(Path, "[smp-opts]\ncpus = \"1\"\n").Write($"/proc/4711/root{Path}", Topology);

        var vm = Observe();

        Assert.Equal("1×2×2", vm.Guest.Full.ToString());
        Assert.Null(vm.GuestNote);
        Assert.Null(vm.Problem);
    }

    [Fact]
    public void Links_lead_where_they_lead_for_the_process()
    {
        _host
            .Write("/proc/4711/root/run/incus/real", Topology)
            .Link("/proc/4711/root/run/incus/v1", "/../../run/incus/./up/..")
            .Folder("/proc/4711/root/run/incus/up")
            .Link("/proc/4711/root/run/incus/qemu.conf", "../../../../../../run/incus/real");

        Assert.Equal("1×2×2", Observe().Guest.Full.ToString());
    }

    public static TheoryData<string, string> Traps =>
        new()
        {
            { "nothing", "isn't there" },
            { "folder", "no regular file" },
            { "fifo", "no regular file" },
            { "huge", "more than 64 KiB" },
            { "link-out", "isn't there" },
            { "link-up", "isn't there" },
            { "loop", "links that lead nowhere" },
            { "not-one", "isn't written as QEMU's" },
            { "contradiction", "isn't as QEMU has read it" },
        };

    [Theory]
    [MemberData(nameof(Traps))]
    public void What_may_not_be_read_is_told_and_nothing_is_guessed(string trap, string expected)
    {
        var full = $"/proc/4711/root{Path}";
        _host.Folder("/proc/4711/root/run/incus/v1").Write("/secret", Topology);
        switch (trap)
        {
            case "folder":
                _host.Folder(full);
                break;
            case "fifo":
                using (var made = Process.Start("mkfifo", [_host.PathOf(full)]))
                {
                    made.WaitForExit();
                }

                break;
            case "huge":
                _host.Write(full, Topology + new string('#', 64 * 1024));
                break;
            case "link-out":
                _host.Link(full, _host.PathOf("/secret"));
                break;
            case "link-up":
                _host.Link(full, "../../../../../../secret");
                break;
            case "loop":
                _host.Link(full, "qemu.conf");
                break;
            case "not-one":
                _host.Write(full, "password\n");
                break;
            case "contradiction":
                _host.Write(full, "[smp-opts]\ncpus = \"password\"\n");
                break;
        }

        var vm = Observe();

        Assert.Contains(expected, vm.GuestNote, StringComparison.Ordinal);
        Assert.Contains("topology isn't known", vm.GuestNote, StringComparison.Ordinal);
        Assert.DoesNotContain("password", vm.GuestNote, StringComparison.Ordinal);
        Assert.Null(vm.Problem);
        Assert.Equal("1×4×1", vm.Guest.Full.ToString());
    }

    [Fact]
    public void What_the_command_line_says_holds_without_the_file()
    {
        Guest(Path, "-smp", "4,threads=2");

        var vm = Observe();

        Assert.Equal("1×2×2", vm.Guest.Full.ToString());
        Assert.Contains(
            "from the rest of the command line",
            vm.GuestNote,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("qemu.conf")]
    [InlineData("")]
    [InlineData("../../run/incus/v1/qemu.conf")]
    public void A_path_that_begins_nowhere_isnt_followed(string path)
    {
        _host
            .Write("/proc/4711/root/qemu.conf", Topology)
            .Write($"/proc/4711/root{Path}", Topology);
        Guest(path);

        Assert.Contains("no absolute path", Observe().GuestNote, StringComparison.Ordinal);
    }

    [Fact]
    public void No_more_files_are_read_than_a_QEMU_has()
    {
        for (var i = 0; i < 6; i++)
        {
            _host.Write($"/proc/4711/root/{i}", i < 4 ? "" : Topology);
        }

        Guest(
            "/0",
            [.. Enumerable.Range(1, 5).SelectMany(i => (string[])["-readconfig", $"/{i}"])]
        );

        Assert.Contains("one of more than 4", Observe().GuestNote, StringComparison.Ordinal);
    }

    [Fact]
    public void It_is_read_once_and_holds_while_QEMU_runs_with_these_arguments()
    {
        _host.Write($"/proc/4711/root{Path}", Topology);
        Observe();

        // QEMU doesn't read it again either.
        _host.Delete($"/proc/4711/root{Path}");
        Assert.Equal("1×2×2", Observe().Guest.Full.ToString());

        Guest("/other");
        _host.Write("/proc/4711/root/other", "[smp-opts]\ncpus = \"3\"\n");
        Assert.Equal("1×3×1", Observe().Guest.Full.ToString());
    }

    [Fact]
    public void What_could_not_be_read_is_tried_again_when_the_process_is_read_again()
    {
        Observe();
        _host.Write($"/proc/4711/root{Path}", Topology);

        Assert.Equal("1×2×2", Observe().Guest.Full.ToString());
    }

    [Fact]
    public void A_look_at_what_is_known_reads_no_file()
    {
        _host.Write($"/proc/4711/root{Path}", Topology);
        ImmutableArray<ObservedVm> vms = [Observe()];
        var read = new List<string>();
        _host.Files.Faults = path =>
        {
            read.Add(path);
            return default;
        };

        // The first look after a look at everything is at what has begun since.
        Assert.True(_observer.TryFindChanged(vms, out _));
        read.Clear();
        Assert.True(_observer.TryFindChanged(vms, out var changed));

        Assert.Empty(changed);
        Assert.DoesNotContain(
            read,
            path =>
                path.EndsWith("cmdline", StringComparison.Ordinal)
                || path.EndsWith("mountinfo", StringComparison.Ordinal)
                || path.Contains("root", StringComparison.Ordinal)
        );
    }

    [Fact]
    public void What_only_has_QEMUs_arguments_makes_the_agent_read_no_file()
    {
        new FakeProcess(_host, 4711, "wrapper").Arguments(
            "/usr/bin/wrapper",
            "-name",
            "v1",
            "-machine",
            "q35",
            "-readconfig",
            Path
        );
        _host
            .Delete("/proc/4711/task")
            .Write("/proc/4711/task/4711/stat", FakeProcess.Stat(4711, "w", 1000));
        _host.Write($"/proc/4711/root{Path}", Topology);
        var read = new List<string>();
        _host.Files.Faults = path =>
        {
            read.Add(path);
            return default;
        };

        Assert.Empty(QemuObservation.Observe(_host, _observer));

        Assert.DoesNotContain("/proc/4711", read);
        Assert.DoesNotContain("/proc/4711/mountinfo", read);
    }

    private void Guest(string path, params string[] more)
    {
        var qemu = new FakeProcess(_host, 4711).Arguments([
            "/opt/incus/bin/qemu-system-x86_64",
            "-S",
            "-name",
            "v1,debug-threads=on",
            "-machine",
            "q35",
            "-readconfig",
            path,
            .. more,
        ]);
        for (var i = 0; i < 4; i++)
        {
            qemu.Thread(4712 + i, $"CPU {i}/KVM");
        }
    }

    private ObservedVm Observe() => Assert.Single(QemuObservation.Observe(_host, _observer));
}
