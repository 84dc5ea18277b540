using System.Collections.Concurrent;
using System.Text;
using PinAgent.Cli.Terminal;
using PinAgent.Model.Cpu;
using PinAgent.Observe.Topology;
using PinAgent.Plan.Placement;
using PinAgent.Report.Status;
using Xunit;

namespace PinAgent.Tests.Observe.Topology;

/// <summary>Every archived machine is read and planned as its golden files say.</summary>
public sealed class MachineTests
{
    private static readonly ConcurrentDictionary<string, Lazy<NodeTopology>> Topologies = [];

    public static TheoryData<string> Machines =>
        [
            .. Directory
                .EnumerateDirectories(Fixtures.PathOf("machines"))
                .Select(folder => Path.GetFileName(folder)!)
                .Order(StringComparer.Ordinal),
        ];

    [Theory]
    [MemberData(nameof(Machines))]
    public void A_machine_is_read_as_it_was_recorded(string machine)
    {
        using var text = new StringWriter();
        Output.Write(TopologyTable.Render(Topology(machine)), text, isPipe: true);

        Golden.Check($"machines/{machine}/expected.topology.txt", text.ToString());
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void Guests_are_placed_on_a_machine_as_they_were_before(string machine)
    {
        var topology = Topology(machine);
        var answers = new StringBuilder();
        foreach (var (cpus, guest) in Requests(topology))
        {
            var request = Request(topology, cpus, guest);
            answers.Append($"{{\"cpuset\":\"{cpus}\",\"guest\":{guest}}}\n  ");
            answers
                .Append(PlanLine.Answer(Encoding.UTF8.GetBytes(request), Placer.Default, out _))
                .Append('\n');
        }

        Golden.Check($"machines/{machine}/expected.plan.txt", answers.ToString());
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void What_topology_prints_is_what_plan_takes(string machine)
    {
        var topology = Topology(machine);

        var answer = PlanLine.Answer(
            Encoding.UTF8.GetBytes(Request(topology, topology.Online, "{}")),
            Placer.Default,
            out var ok
        );

        Assert.True(ok, answer);
    }

    [Fact]
    public void There_are_machines_of_many_kinds() => Assert.True(Machines.Count >= 8);

    // Cpusets as a kubelet gives them, and worse: whole cores, halves of cores, both ends of the machine.
    private static IEnumerable<(CpuSet Cpus, string Guest)> Requests(NodeTopology topology)
    {
        var ids = topology.Online.ToArray();
        var wholeCores = CpuSet.Of(
            topology
                .Cpus.GroupBy(cpu => (cpu.Socket, cpu.Core))
                .Take(3)
                .SelectMany(core => core.Select(cpu => cpu.Id))
        );
        var oneOfEachCore = CpuSet.Of(
            topology
                .Cpus.GroupBy(cpu => (cpu.Socket, cpu.Core))
                .Take(6)
                .Select(core => core.First().Id)
        );
        yield return (
            wholeCores,
            """{"sockets":1,"cores":2,"threads":2,"isolateEmulatorThread":true}"""
        );
        yield return (oneOfEachCore, """{"sockets":1,"cores":2,"threads":2,"ioThreads":3}""");
        yield return (
            CpuSet.Of(ids.Take(3).Concat(ids.TakeLast(3))),
            """{"sockets":2,"cores":1,"threads":2,"supplementalIoThreads":1,"isolateEmulatorThread":true}"""
        );
        yield return (
            CpuSet.Of(ids[0], ids[^1]),
            """{"sockets":1,"cores":1,"threads":2,"numaPassthrough":true}"""
        );
        yield return (topology.Online, $$"""{"sockets":1,"cores":{{ids.Length}},"threads":1}""");
    }

    private static string Request(NodeTopology topology, CpuSet cpus, string guest) =>
        $$"""
        {"topology":{{System.Text.Json.JsonSerializer.Serialize(
            TopologyStatus.Of(topology),
            ReportJsonContext.Readable.TopologyStatus
        )}},"cpuset":"{{cpus}}","guest":{{guest}}}
        """;

    // Read once for all tests: the largest machine has 15,000 files.
    private static NodeTopology Topology(string machine) =>
        Topologies.GetOrAdd(machine, name => new(() => Read(name))).Value;

    private static NodeTopology Read(string machine)
    {
        using var host = new FakeHost().Load(Fixtures.PathOf($"machines/{machine}/machine.txt"));
        return SysfsTopology.Read(host.Files);
    }
}
