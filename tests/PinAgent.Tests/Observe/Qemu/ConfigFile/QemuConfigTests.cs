using System.Text;
using PinAgent.Observe.Qemu.CommandLine;
using PinAgent.Observe.Qemu.ConfigFile;
using Xunit;

namespace PinAgent.Tests.Observe.Qemu.ConfigFile;

/// <summary>
/// Files of <c>-readconfig</c>, and the order in which they and the command line count. What each case gives was asked of
/// QEMU 7.2 (<c>query-hotpluggable-cpus</c>, <c>query-name</c>).
/// </summary>
public sealed class QemuConfigTests
{
    private const string Threads = "[smp-opts]\n  cpus = \"4\"\n  threads = \"2\"\n";

    private const string Machine =
        "[machine]\n  type = \"pc\"\n  smp.cores = \"4\"\n  smp.threads = \"1\"\n[name]\n  guest = \"fromfile\"\n";

    [Theory]
    [InlineData("[smp-opts]\ncpus = \"4\"\n", "1×4×1")]
    [InlineData("[smp-opts]\ncpus =\"4\"\n", "1×4×1")]
    [InlineData("[smp-opts]\ncpus =\t\"4\" # yes\n", "1×4×1")]
    [InlineData("[smp-opts] tail\n  cpus = \"4\"tail\n", "1×4×1")]
    [InlineData("[smp-opts]\n\n#c\n  cpus = \"4\"", "1×4×1")]
    [InlineData("[smp-opts]\r\n  cpus = \"4\"\r\n", "1×4×1")]
    [InlineData("[smp-opts]\n  cpus = \"\"\n  cpus = \"2\"\n", "1×2×1")]
    [InlineData("[smp-opts]\ncpus = \"4\"\n[smp-opts]\nthreads = \"2\"\n", "1×2×2")]
    [InlineData("[smp-opts]\ncpus = \"4\" garbage\n  threads = \"2\"\n", "1×2×2")]
    [InlineData("[machine]\nsmp.cpus = \"4\"\n", "1×4×1")]
    [InlineData("[object \"io\"]\nqom-type = \"iothread\"\n[smp-opts]\ncpus = \"2\"\n", "1×2×1")]
    [InlineData("\n\n", "1×1×1")]
    public void Reads_what_QEMU_reads(string file, string topology)
    {
        var line = Parse([file], "-readconfig", "/x");

        Assert.Equal(topology, line.Guest.Full.ToString());
        Assert.Null(line.Problem);
        Assert.False(line.HasUnknownCpus);
    }

    [Theory]
    [InlineData("[smp-opts]\n  \n  cpus = \"4\"\n")]
    [InlineData("cpus = \"4\"\n")]
    [InlineData("[smp-opts\n")]
    [InlineData("\0")]
    [InlineData("root:x:0:0:root:/root:/bin/sh\n")]
    public void Takes_no_file_that_ends_QEMU(string file) =>
        Assert.Null(QemuConfig.Parse(Encoding.UTF8.GetBytes(file)));

    [Theory]
    [InlineData("[smp-opts]\ncpus=\"4\"\n")]
    [InlineData("[smp-opts]\n  cpus = 4\n")]
    [InlineData("[smp-opts]\n  cpus = \"4\n")]
    [InlineData("[smp-opts]\n  #c\n  cpus = \"4\"\n")]
    [InlineData("[smp-opts]\n  cpus = \"secret\"\n")]
    public void A_topology_that_ends_QEMU_isnt_known_and_isnt_quoted(string file)
    {
        var line = Parse([file], "-readconfig", "/x");

        Assert.True(line.HasUnknownCpus);
        Assert.False(line.SaysCpus);
        Assert.Null(line.Problem);
    }

    [Theory]
    [InlineData("1×2×2", 4, null, "-smp", "4", "-smp", "threads=2")]
    [InlineData("1×4×2", 8, null, "-smp", "4,threads=2", "-smp", "8")]
    [InlineData("1×2×2", 4, null, "-machine", "q35,smp.cpus=4,smp.threads=2")]
    [InlineData(
        "1×4×1",
        4,
        null,
        "-machine",
        "smp.cpus=4,smp.threads=2",
        "-smp",
        "cores=4,cpus=4,threads=1"
    )]
    [InlineData("1×6×1", 6, null, "-M", "smp.cpus=6", "-M", "q35")]
    [InlineData("1×6×1", 6, null, "-smp", "cpus=4,cpus=6")]
    [InlineData("1×2×2", 4, null, "-readconfig", "T")]
    [InlineData("1×4×2", 8, null, "-readconfig", "T", "-smp", "8")]
    [InlineData("1×2×2", 4, null, "-smp", "8,cores=2", "-readconfig", "T")]
    [InlineData("1×4×1", 4, "fromfile", "-readconfig", "T", "-readconfig", "M")]
    [InlineData("1×4×1", 4, "fromfile", "-name", "x", "-readconfig", "M")]
    [InlineData("1×4×1", 4, "x", "-readconfig", "M", "-name", "x")]
    [InlineData(
        "1×2×2",
        4,
        "fromfile",
        "-readconfig",
        "M",
        "-smp",
        "4",
        "-machine",
        "smp.threads=2,smp.cores=2"
    )]
    [InlineData("2×1×2", 4, null, "-machine", "pc-q35-6.0", "-readconfig", "T")]
    [InlineData("2×1×2", 4, null, "-readconfig", "T", "-machine", "pc-q35-6.0")]
    public void A_later_value_of_a_key_counts_wherever_it_is(
        string topology,
        int atStart,
        string? name,
        params string[] arguments
    )
    {
        string[] files =
        [
            .. arguments
                .Where((_, i) => i > 0 && arguments[i - 1] == "-readconfig")
                .Select(file => file == "T" ? Threads : Machine),
        ];

        var line = Parse(files, arguments);

        Assert.Equal(topology, line.Guest.Full.ToString());
        Assert.Equal(atStart, line.Guest.BootVcpus);
        Assert.Equal(name, line.GuestName);
        Assert.Null(line.Problem);
    }

    [Fact]
    public void A_value_of_a_file_stands_as_it_is()
    {
        Assert.Equal("a,,b", Parse(["[name]\nguest = \"a,,b\"\n"], "-readconfig", "/x").GuestName);
        Assert.Equal(
            "with ",
            Parse(["[name]\nguest = \"with \"q\"\n"], "-readconfig", "/x").GuestName
        );
    }

    [Fact]
    public void A_machine_that_is_none_is_one_in_a_file_too() =>
        Assert.True(Parse(["[machine]\ntype = \"none\"\n"], "-readconfig", "/x").HasNoMachine);

    [Fact]
    public void I_O_threads_whose_ids_make_no_thread_name_are_counted()
    {
        var line = Parse(
            [
                "[object \"iothread1\"]\nqom-type = \"iothread\"\n[object \"mem0\"]\nqom-type = \"memory\"\n",
            ],
            "-readconfig",
            "/x",
            "-object",
            "iothread,id=iothread123456",
            "-object",
            """{"qom-type":"iothread","id":"a-very-long-id","thread-pool-min":0}""",
            "-object",
            """{"id":"iothread7","qom-type":"iothread"}""",
            "-object",
            "{\"qom-type\":\"iothread\",",
            "-object",
            "secret,id=iothread-iothread"
        );

        Assert.Equal(new NamedIoThreads(4, 2), line.IoThreads);
        Assert.Contains("without a name: 2 of 4", line.IoThreads.Note(2), StringComparison.Ordinal);
        Assert.Contains("without a name: 1 of 4", line.IoThreads.Note(3), StringComparison.Ordinal);
        Assert.Null(line.IoThreads.Note(4));
    }

    [Fact]
    public void Guest_NUMA_nodes_are_counted() =>
        Assert.Equal(
            3,
            Parse(
                ["[numa]\ntype = \"node\"\nnodeid = \"0\"\n[numa]\ntype = \"cpu\"\n"],
                "-readconfig",
                "/x",
                "-numa",
                "node,nodeid=1,cpus=0-1",
                "-numa",
                "dist,src=0,dst=1,val=20",
                "-numa",
                "cpus=2-3,type=node"
            ).Guest.NumaNodes
        );

    [Fact]
    public void What_is_kept_of_a_file_says_the_same()
    {
        var config = QemuConfig.Parse(
            Encoding.UTF8.GetBytes(
                Machine
                    + Threads
                    + "[object \"io\"]\nqom-type = \"iothread\"\n[drive]\nfile = \"/secret\"\n"
            )
        );

        var kept = config!.ToFile();

        Assert.Equal(config.Values, QemuConfig.Parse(kept)!.Values);
        Assert.DoesNotContain("secret", Encoding.UTF8.GetString(kept), StringComparison.Ordinal);
    }

    private static QemuCommandLine Parse(string[] files, params string[] arguments) =>
        QemuCommandLine.Parse(
            FakeProcess.Join(["/usr/bin/qemu-system-x86_64", .. arguments]),
            configs: [.. files.Select(file => QemuConfig.Parse(Encoding.UTF8.GetBytes(file)))]
        );
}
