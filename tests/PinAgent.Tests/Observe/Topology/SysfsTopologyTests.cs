using PinAgent.Model.Cpu;
using PinAgent.Observe.Recording;
using PinAgent.Observe.Topology;
using Xunit;

namespace PinAgent.Tests.Observe.Topology;

/// <summary>Machines whose sysfs is odd, incomplete or contradictory.</summary>
public sealed class SysfsTopologyTests : IDisposable
{
    private const string Cpu = "/sys/devices/system/cpu";

    private readonly FakeHost _host = new();

    [Fact]
    public void Reads_a_machine_without_a_NUMA_folder_as_one_node()
    {
        Online("0-1").Core(0, core: 0, "0").Core(1, core: 1, "1");

        Assert.Equal("0:s0n0c0 1:s0n0c1", Read());
    }

    [Fact]
    public void Reads_NUMA_nodes_with_gaps_and_without_CPUs()
    {
        Online("0-2").Core(0, core: 0, "0").Core(1, core: 1, "1").Core(2, core: 2, "2");
        _host
            .Write("/sys/devices/system/node/node0/cpulist", "0\n")
            .Write("/sys/devices/system/node/node2/cpulist", "\n")
            .Write("/sys/devices/system/node/node10/cpulist", "1-2\n")
            .Write("/sys/devices/system/node/possible", "0-15\n")
            .Write("/sys/devices/system/node/nodex/cpulist", "0-2\n");

        Assert.Equal("0:s0n0c0 1:s0n10c1 2:s0n10c2", Read());
        Assert.Equal([0, 10], SysfsTopology.Read(_host.Files).NumaNodes);
    }

    [Fact]
    public void Gives_a_CPU_without_a_topology_folder_a_core_of_its_own()
    {
        Online("0-2").Core(0, core: 4, "0").Core(2, core: 5, "2");

        Assert.Equal("0:s0n0c0 1:s0n0c1 2:s0n0c2", Read());
    }

    [Fact]
    public void Puts_each_CPU_into_one_core_where_siblings_contradict_one_another()
    {
        Online("0-3")
            .Core(0, core: 0, "0-1")
            .Core(1, core: 1, "1-2")
            .Core(2, core: 2, "2,0")
            .Core(3, core: 3, "0-3");

        Assert.Equal("0:s0n0c0 1:s0n0c0 2:s0n0c2 3:s0n0c3", Read());
    }

    [Theory]
    [InlineData("1")]
    [InlineData("")]
    [InlineData("garbage")]
    public void Keeps_a_CPU_in_its_own_core_when_its_siblings_list_leaves_it_out(string siblings)
    {
        Online("0-1").Core(0, core: 0, siblings).Core(1, core: 1, "1");

        var topology = SysfsTopology.Read(_host.Files);

        Assert.Contains(0, topology.SiblingsOf(topology[0]));
        Assert.Equal(2, topology.Cpus.Length);
    }

    [Fact]
    public void Counts_only_siblings_that_are_online()
    {
        Online("0,2").Core(0, core: 0, "0-1").Core(2, core: 1, "2-3");
        _host.Write($"{Cpu}/offline", "1,3-127\n").Write($"{Cpu}/present", "0-3\n");

        var topology = SysfsTopology.Read(_host.Files);

        Assert.Equal([0], topology.SiblingsOf(topology[0]));
        Assert.Equal("1,3", topology.Offline.ToString());
        Assert.Null(topology.Find(1));
    }

    [Fact]
    public void Puts_CPUs_of_an_unknown_package_into_socket_0()
    {
        Online("0-1").Core(0, core: 0, "0", package: -1).Core(1, core: 1, "1", package: -1);

        Assert.Equal("0:s0n0c0 1:s0n0c1", Read());
    }

    [Fact]
    public void Keeps_the_kernels_core_ids_where_they_tell_cores_apart()
    {
        Online("0-3")
            .Core(0, core: 0, "0")
            .Core(1, core: 9, "1")
            .Core(2, core: 0, "2", package: 1)
            .Core(3, core: 9, "3", package: 1);

        Assert.Equal("0:s0n0c0 1:s0n0c9 2:s1n0c0 3:s1n0c9", Read());
    }

    [Fact]
    public void Numbers_the_cores_itself_where_ids_repeat_from_die_to_die()
    {
        Online("0-3")
            .Core(0, core: 7, "0", die: 0)
            .Core(1, core: 8, "1", die: 0)
            .Core(2, core: 7, "2", die: 1)
            .Core(3, core: 8, "3", die: 1);

        Assert.Equal("0:s0n0c0 1:s0n0c1 2:s0n0c2 3:s0n0c3", Read());
        Assert.Equal(
            [0, 0, 1, 1],
            SysfsTopology.Read(_host.Files).Cpus.Select(cpu => cpu.Die ?? -1)
        );
    }

    [Fact]
    public void Numbers_the_L3_caches_over_the_machine()
    {
        Online("0-3");
        for (var id = 0; id < 4; id++)
        {
            Core(id, core: id, $"{id}");
        }

        Cache(0, index: 2, level: 2, "0").Cache(0, index: 3, level: 3, "0,2").Cache(1, 1, 3, "1");

        Assert.Equal([0, 1, 0, null], SysfsTopology.Read(_host.Files).Cpus.Select(cpu => cpu.L3));
    }

    [Theory]
    [InlineData("  (null)\n", "")]
    [InlineData("\n", "")]
    [InlineData("2-3\n", "2-3")]
    public void Reads_what_the_kernel_writes_without_nohz_full(string content, string expected)
    {
        Online("0-3");
        _host.Write($"{Cpu}/nohz_full", content).Write($"{Cpu}/isolated", content);

        var topology = SysfsTopology.Read(_host.Files);

        Assert.Equal(expected, topology.NohzFull.ToString());
        Assert.Equal(expected, topology.Isolated.ToString());
    }

    [Fact]
    public void Knows_no_isolated_CPUs_where_the_kernel_doesnt_list_them()
    {
        Online("0-3");

        var topology = SysfsTopology.Read(_host.Files);

        Assert.True(topology.NohzFull.IsEmpty);
        Assert.True(topology.Isolated.IsEmpty);
        Assert.True(topology.Offline.IsEmpty);
    }

    [Theory]
    [InlineData(null, "no such file or directory (ENOENT)")]
    [InlineData("", "expected at least one CPU, found none")]
    [InlineData("\n", "expected at least one CPU, found none")]
    [InlineData("all\n", "expected a list of CPUs")]
    public void Names_the_file_without_which_nothing_can_be_said(string? content, string expected)
    {
        if (content is not null)
        {
            _host.Write($"{Cpu}/online", content);
        }

        var problem = Assert.Throws<InvalidDataException>(() => SysfsTopology.Read(_host.Files));

        Assert.StartsWith(
            $"{_host.PathOf($"{Cpu}/online")}: {expected}",
            problem.Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Tells_fast_cores_from_slow_ones_by_Arms_capacity()
    {
        Online("0-1");
        _host
            .Write($"{Cpu}/cpu0/cpu_capacity", "446\n")
            .Write($"{Cpu}/cpu1/cpu_capacity", "1024\n");

        Assert.Equal(
            [CoreKind.Efficiency, CoreKind.Performance],
            SysfsTopology.Read(_host.Files).Cpus.Select(cpu => cpu.Kind)
        );
    }

    [Theory]
    // As fast as they clock, and no other kind: GB10's, and a Snapdragon X Elite's.
    [InlineData("1024,1017,997", "uuu")]
    [InlineData("1024,927,927", "uuu")]
    [InlineData("1024,1017,997,731,718", "pppee")]
    [InlineData("1024,820,819,818", "ppee")]
    [InlineData("718,1024", "ep")]
    // Three designs: the slowest is a kind of its own, and all between are one.
    [InlineData("1024,700,300", "pel")]
    [InlineData("1024,700,500,300", "peel")]
    // None is chained to the fastest by those between.
    [InlineData("1024,900,760,640", "ppee")]
    [InlineData("1024,0", "pe")]
    [InlineData("0,0", "uu")]
    public void Kinds_are_clusters_of_capacity(string capacities, string kinds)
    {
        var all = capacities.Split(',');
        Online($"0-{all.Length - 1}");
        for (var i = 0; i < all.Length; i++)
        {
            _host.Write($"{Cpu}/cpu{i}/cpu_capacity", $"{all[i]}\n");
        }

        Assert.Equal(kinds, Kinds());
    }

    [Theory]
    [InlineData("0-1", "2", "3", "ppel")]
    [InlineData("0-1", "2-3", null, "ppee")]
    [InlineData("0-1", null, "2-3", "ppll")]
    [InlineData(null, "0-2", "3", "eeel")]
    [InlineData("0-3", "", "", "uuuu")]
    [InlineData(null, "0-3", null, "uuuu")]
    // Those that are offline make no machine of two kinds.
    [InlineData("0-3", "8-15", "16-17", "uuuu")]
    public void Intels_kinds_are_those_of_its_lists(
        string? core,
        string? atom,
        string? lowPower,
        string kinds
    )
    {
        Online("0-3");
        foreach (
            var (name, cpus) in new[] { ("core", core), ("atom", atom), ("lowpower", lowPower) }
        )
        {
            if (cpus is not null)
            {
                _host.Write($"/sys/devices/cpu_{name}/cpus", $"{cpus}\n");
            }
        }

        Assert.Equal(kinds, Kinds());
    }

    [Fact]
    public void A_record_of_the_machine_has_its_kinds()
    {
        _host.MountCgroup2().Load(Fixtures.PathOf("machines/16amd64-hybrid-6p8e2lp/machine.txt"));

        var recording = MachineRecording.Record(_host.Root, "/var/lib/kubelet");

        Assert.Contains("/sys/devices/cpu_lowpower/cpus", recording.Files.Keys);
    }

    private string Kinds() =>
        string.Concat(SysfsTopology.Read(_host.Files).Cpus.Select(cpu => cpu.Kind.Word()[0]));

    [Theory]
    [InlineData("16amd64-2s2n4c2t-half-offline", "0-7", "8-15")]
    [InlineData("24amd64-hybrid-8p8e", "0-23", "")]
    [InlineData("1amd64-1c1t", "0", "")]
    public void Reads_an_archived_machine(string name, string online, string offline)
    {
        _host.Load(Fixtures.PathOf($"machines/{name}/machine.txt"));

        var topology = SysfsTopology.Read(_host.Files);

        Assert.Equal(online, topology.Online.ToString());
        Assert.Equal(offline, topology.Offline.ToString());
        Assert.All(topology.Cpus, cpu => Assert.Contains(cpu.Id, topology.SiblingsOf(cpu)));
    }

    public void Dispose() => _host.Dispose();

    private string Read() =>
        string.Join(
            ' ',
            SysfsTopology
                .Read(_host.Files)
                .Cpus.Select(cpu => $"{cpu.Id}:s{cpu.Socket}n{cpu.Numa}c{cpu.Core}")
        );

    private SysfsTopologyTests Online(string cpus)
    {
        _host.Write($"{Cpu}/online", cpus + "\n");
        return this;
    }

    private SysfsTopologyTests Core(
        int id,
        int core,
        string siblings,
        int package = 0,
        int? die = null
    )
    {
        var folder = $"{Cpu}/cpu{id}/topology";
        _host
            .Write($"{folder}/physical_package_id", $"{package}\n")
            .Write($"{folder}/core_id", $"{core}\n")
            .Write($"{folder}/thread_siblings_list", $"{siblings}\n");
        if (die is { } number)
        {
            _host.Write($"{folder}/die_id", $"{number}\n");
        }

        return this;
    }

    private SysfsTopologyTests Cache(int id, int index, int level, string sharing)
    {
        _host
            .Write($"{Cpu}/cpu{id}/cache/index{index}/level", $"{level}\n")
            .Write($"{Cpu}/cpu{id}/cache/index{index}/shared_cpu_list", $"{sharing}\n");
        return this;
    }
}
