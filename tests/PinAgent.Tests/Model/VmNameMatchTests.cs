using PinAgent.Model.Vm;
using Xunit;

namespace PinAgent.Tests.Model;

/// <summary>What people call VMs: the same on every command line and in every path.</summary>
public sealed class VmNameMatchTests
{
    private static readonly (string Namespace, string Name, int Pid)[] Vms =
    [
        ("default", "vm1", 100),
        ("default", "vm2", 200),
        ("other", "vm2", 300),
        ("host", "guest", 400),
        ("host", "default/vm1", 500),
        ("host", "100", 600),
        ("host", "a_b", 700),
        ("a", "b", 800),
        ("host", "twin", 900),
        ("host", "twin", 901),
    ];

    [Theory]
    [InlineData("default/vm1", 100)]
    [InlineData("default_vm1", 100)]
    [InlineData("vm1", 100)]
    [InlineData("100", 100)]
    [InlineData("default/vm2", 200)]
    [InlineData("other_vm2", 300)]
    [InlineData("guest", 400)]
    [InlineData("host/guest", 400)]
    [InlineData("host_guest", 400)]
    [InlineData("host/default/vm1", 500)]
    [InlineData("host/100", 600)]
    [InlineData("a/b", 800)]
    [InlineData("901", 901)]
    public void Means_one(string text, int pid) => Assert.Equal([pid], Find(text));

    [Theory]
    [InlineData("vm2", 200, 300)]
    [InlineData("a_b", 700, 800)]
    [InlineData("twin", 900, 901)]
    [InlineData("host/twin", 900, 901)]
    [InlineData("nobody")]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("_")]
    [InlineData("default/")]
    [InlineData("DEFAULT/VM1")]
    [InlineData("default\\vm1")]
    public void Means_several_or_none(string text, params int[] pids) =>
        Assert.Equal(pids, Find(text));

    /// <summary>A tenant may call its guest what it likes: who is named in full, or by pid, is meant.</summary>
    [Fact]
    public void A_guest_called_like_anothers_full_name_or_pid_shadows_it_not()
    {
        Assert.Equal([100], Find("default/vm1"));
        Assert.Equal([100], Find("100"));
    }

    private static IEnumerable<int> Find(string text) =>
        VmNameMatch.Find(text, Vms, vm => vm).Select(vm => vm.Pid);
}
