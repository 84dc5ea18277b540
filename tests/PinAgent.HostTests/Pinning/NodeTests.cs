using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Pinning;

/// <summary>
/// A node of 16 CPUs: two NUMA nodes, SMT siblings (0,1)(2,3)…(14,15). It's virtual: tests/run.sh --full boots it.
/// </summary>
[Trait("lane", "node")]
public sealed class NodeTests
{
    private const int Timeout = Patience.Hang;

    [Fact(Timeout = Timeout)]
    public async Task Several_vms_of_different_shapes_are_pinned_in_one_pass()
    {
        RequiresNode();
        using var siblings = new Cpuset(Cpuset.PodPath(out _, out _), "2-5");
        using var isolated = new Cpuset(Cpuset.PodPath(out _, out _), "6-7,10-11");
        using var supplemental = new Cpuset(Cpuset.PodPath(out _, out _), "8-9,12-13");
        using var strict = new Cpuset(Cpuset.PodPath(out _, out _), "1,14");
        await using var vm1 = await Guest.StartAsync(
            "default_siblings",
            "4,sockets=1,cores=2,threads=2",
            siblings
        );
        await using var vm2 = await Guest.StartAsync(
            "default_isolated",
            "2,sockets=1,cores=1,threads=2",
            isolated
        );
        await using var vm3 = await Guest.StartAsync(
            "default_supplemental",
            "2",
            supplemental,
            ioThreads: 2
        );
        await using var vm4 = await Guest.StartAsync(
            "default_strict",
            "2,sockets=1,cores=1,threads=2",
            strict
        );
        await using var vm5 = await Guest.StartAsync("default_shared", "2", cpuset: null);
        var strictBefore = vm4.Masks();
        using var vmis = new VmiFile(
            """
            kind: VirtualMachineInstance
            metadata: {name: siblings, namespace: default}
            spec: {domain: {cpu: {dedicatedCpuPlacement: true, cores: 2, threads: 2}}}
            ---
            kind: VirtualMachineInstance
            metadata:
              name: isolated
              namespace: default
              annotations: {alpha.kubevirt.io/EmulatorThreadCompleteToEvenParity: ""}
            spec: {domain: {cpu: {dedicatedCpuPlacement: true, isolateEmulatorThread: true, threads: 2}}}
            ---
            kind: VirtualMachineInstance
            metadata: {name: supplemental, namespace: default}
            spec:
              domain:
                cpu: {dedicatedCpuPlacement: true, cores: 2}
                ioThreadsPolicy: supplementalPool
                ioThreads: {supplementalPoolThreadCount: 2}
            ---
            kind: VirtualMachineInstance
            metadata: {name: strict, namespace: default}
            spec: {domain: {cpu: {dedicatedCpuPlacement: true, threads: 2, numa: {guestMappingPassthrough: {}}}}}
            ---
            kind: VirtualMachineInstance
            metadata: {name: shared, namespace: default}
            spec: {domain: {cpu: {cores: 2}}}
            """
        );

        var status = await Agent.RunOnceAsync("--vmi", vmis.Path);

        // Guest siblings on host siblings; the emulator keeps the whole cpuset.
        Assert.Equal("Pinned", status.Vm(vm1).State);
        await AssertMasksAsync(vm1, ["2", "3", "4", "5"], [], others: "2-5");

        // Two vCPUs are an even number, so the emulator gets two CPUs.
        Assert.Equal("Pinned", status.Vm(vm2).State);
        await AssertMasksAsync(vm2, ["6", "7"], [], others: "10-11");

        // A CPU for each supplemental I/O thread.
        Assert.Equal("Pinned", status.Vm(vm3).State);
        await AssertMasksAsync(vm3, ["8", "9"], ["12", "13"], others: "8-9,12-13");

        // CPUs 1 and 14 are on different NUMA nodes.
        Assert.Equal(
            ("Refused", "CrossesNumaNodes"),
            (status.Vm(vm4).State, status.Vm(vm4).Reason)
        );
        Assert.Equal(strictBefore, vm4.Masks());

        Assert.Equal(
            ("NotDedicated", "DedicatedCpusNotRequested"),
            (status.Vm(vm5).State, status.Vm(vm5).Reason)
        );
        await AssertMasksAsync(vm5, ["0-15", "0-15"], [], others: "0-15");

        // The same again changes nothing.
        var again = await Agent.RunOnceAsync("--vmi", vmis.Path);
        Assert.All([vm1, vm2, vm3], vm => Assert.Equal("AlreadyRight", again.Vm(vm).Outcomes));
    }

    [Fact(Timeout = Timeout)]
    public async Task A_cpuset_that_moves_takes_the_pins_with_it_and_moves_no_more_than_it_must()
    {
        RequiresNode();
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "2-5");
        await using var guest = await Guest.StartAsync(
            "default_moving",
            "4,sockets=1,cores=2,threads=2",
            cpuset
        );
        await using var agent = new AgentLoop("--vm", "default_moving");
        await agent.WaitForLogAsync("pinned within CPUs 2-5");
        await AssertMasksAsync(guest, ["2", "3", "4", "5"], [], others: "2-5");

        // Linux before 6.2 resets every mask at this write; later ones keep what is still allowed.
        cpuset.Write("3-6");
        await agent.WaitForLogAsync("vcpu 0");

        Assert.Equal(0, await agent.StopAsync("TERM"));
        await AssertMasksAsync(guest, ["6", "3", "4", "5"], [], others: "3-6");
    }

    [Fact(Timeout = Timeout)]
    public async Task The_housekeeping_groups_cpu_is_the_emulators_and_vcpus_avoid_it()
    {
        RequiresNode();
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "2-4");
        await using var guest = await Guest.StartAsync("default_kept", "2", cpuset, ioThreads: 1);
        var vcpus = await guest.Monitor.VcpuThreadsAsync();

        // As virt-handler does for an isolated emulator: every thread but the vCPUs', on the first CPU.
        cpuset.AddThreadedChild("housekeeping", "2", guest.Masks().Keys.Except(vcpus.Values));
        using var vmi = new VmiFile(
            """
            kind: VirtualMachineInstance
            metadata: {name: kept, namespace: default}
            spec:
              domain:
                cpu: {dedicatedCpuPlacement: true, isolateEmulatorThread: true, cores: 2}
                ioThreadsPolicy: shared
            """
        );
        var vm = (await Agent.RunOnceAsync("--vmi", vmi.Path)).Vm(guest);

        Assert.Equal("Pinned", vm.State);
        await AssertMasksAsync(guest, ["3", "4"], ["2"], others: "2");
    }

    private static async Task AssertMasksAsync(
        Guest guest,
        string[] vcpus,
        string[] ioThreads,
        string others
    )
    {
        var masks = guest.Masks();
        var vcpuThreads = await guest.Monitor.VcpuThreadsAsync();
        var named = await guest.Monitor.IoThreadsAsync();
        Assert.Equal(
            vcpus,
            vcpuThreads.OrderBy(vcpu => vcpu.Key).Select(vcpu => masks[vcpu.Value])
        );
        Assert.Equal(ioThreads, ioThreads.Select((_, i) => masks[named[$"iothread{i + 1}"]]));
        Assert.All(
            masks.Where(mask => !vcpuThreads.Values.Concat(named.Values).Contains(mask.Key)),
            mask => Assert.Equal(others, mask.Value)
        );
    }

    private static void RequiresNode()
    {
        Requires.RealGuests(cpus: 16);
        Assert.SkipUnless(
            File.ReadAllText("/sys/devices/system/node/online").Trim() == "0-1",
            "needs two NUMA nodes"
        );
    }
}
