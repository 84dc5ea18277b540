using System.Text.Json.Nodes;
using Xunit;

namespace PinAgent.Tests.Plan.Ownership;

/// <summary>Whole machines of libvirt's and Proxmox's users, as files: what the agent would do there.</summary>
public sealed class MachineFolderTests
{
    [Theory]
    [InlineData]
    [InlineData("--vm", "vm")]
    public async Task Libvirts_element_vcpu_says_which_CPUs_a_domain_has(params string[] arguments)
    {
        using var machine = await MachineFolder.UnpackAsync("libvirt-vcpu-cpuset");

        var status = await machine.RunAsync(arguments);

        Assert.Equal("4 12 5 13", MachineFolder.Vcpus(status, "vm"));
        Assert.Equal(("4-7,12-15", "threadCgroups"), Cpus(status, "vm"));
    }

    [Theory]
    [InlineData]
    [InlineData("--vm", "a", "--vm", "b")]
    public async Task Proxmoxs_affinity_does(params string[] arguments)
    {
        using var machine = await MachineFolder.UnpackAsync("proxmox-affinity");

        var status = await machine.RunAsync(arguments);

        Assert.Equal("4 5", MachineFolder.Vcpus(status, "a"));
        Assert.Equal("0 1", MachineFolder.Vcpus(status, "b"));
        Assert.Equal(("4-7", "initialMask"), Cpus(status, "a"));
    }

    [Fact]
    public async Task The_administrators_word_goes_before_it()
    {
        using var machine = await MachineFolder.UnpackAsync("proxmox-affinity");

        var status = await machine.RunAsync("--vm", "a=2-3,10");

        Assert.Equal("2 10", MachineFolder.Vcpus(status, "a"));
        Assert.Equal(("2-3,10", "administrator"), Cpus(status, "a"));
    }

    private static (string, string) Cpus(JsonNode status, string vm) =>
        (
            (string)MachineFolder.Vm(status, vm)["cpuset"]!,
            (string)MachineFolder.Vm(status, vm)["cpusetSource"]!
        );
}
