using PinAgent.Model.Cpu;

namespace PinAgent.Tests.Plan;

/// <summary>Machines, written as people draw them.</summary>
internal static class Nodes
{
    /// <summary>Topology A of the specification: one NUMA node, four cores with two threads.</summary>
    public const string A = "(0,4)(1,5)(2,6)(3,7)";

    /// <summary>Topology B of the specification: two NUMA nodes of two cores with two threads.</summary>
    public const string B = "(0,1)(2,3)|(4,5)(6,7)";

    /// <summary>Reads <c>(0,4)(1,5)|(2,6)</c>: cores with their siblings, <c>|</c> between NUMA nodes.</summary>
    public static NodeTopology Parse(string drawing)
    {
        var cpus = new List<LogicalCpu>();
        var core = 0;
        foreach (var (node, cores) in drawing.Split('|').Index())
        {
            foreach (var siblings in cores.Trim('(', ')').Split(")("))
            {
                cpus.AddRange(
                    CpuSet.Parse(siblings).Select(id => new LogicalCpu(id, node, node, core))
                );
                core++;
            }
        }

        return new NodeTopology(cpus);
    }
}
