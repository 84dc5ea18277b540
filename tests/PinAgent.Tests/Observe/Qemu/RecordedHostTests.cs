using System.Diagnostics;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Observe;
using PinAgent.Observe.Files;
using PinAgent.Observe.Qemu;
using PinAgent.Plan;
using Xunit;

namespace PinAgent.Tests.Observe.Qemu;

/// <summary>The machines of <c>tests/fixtures/cases/hostroots</c> with a QEMU that was absent, or taken for what it isn't.</summary>
public sealed class RecordedHostTests : IDisposable
{
    private readonly FakeHost _host = new();

    public void Dispose() => _host.Dispose();

    [Fact]
    public async Task Guest_siblings_of_a_topology_in_a_file_land_on_siblings()
    {
        var vm = await PlanAsync("readconfig");

        Assert.Equal([4, 12, 5, 13], vm.Placement!.Vcpus);
        Assert.Equal("3", vm.Placement.Emulator.ToString());
        Assert.Empty(vm.Advisories);
    }

    [Fact]
    public async Task A_QEMU_called_kvm_whose_threads_have_no_names_is_recognised()
    {
        var vm = await PlanAsync("kvm-unnamed");

        Assert.Equal("win", vm.Vm.GuestName);
        Assert.Equal(2, vm.Vm.Threads.Count(thread => thread.Role == ThreadRole.Vcpu));
        Assert.Equal([4, 5], vm.Placement!.Vcpus);
    }

    private async Task<VmPlan> PlanAsync(string name)
    {
        // .NET's own extraction refuses a link like that of an executable.
        using var tar = Process.Start(
            "tar",
            ["-xzf", Fixtures.PathOf($"cases/hostroots/{name}.tar.gz"), "-C", _host.Root]
        );
        await tar.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, tar.ExitCode);
        using var files = new HostFiles(_host.PathOf(name));
        var snapshot = new NodeObserver(
            files,
            new RecordedAffinityReader(files),
            "/var/lib/kubelet"
        ).Observe();
        var (plan, _) = NodePlanner.Plan(snapshot, PlanSettings.Default, PlanMemory.None);
        return Assert.Single(plan.Vms);
    }
}
