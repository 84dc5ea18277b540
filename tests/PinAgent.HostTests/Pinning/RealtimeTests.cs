using CliWrap;
using CliWrap.Buffered;
using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Pinning;

/// <summary>Real-time priorities of a real guest's vCPUs, as <c>chrt</c> sees them.</summary>
public sealed class RealtimeTests : IDisposable
{
    private const int Timeout = Patience.Hang;

    private readonly string _state = Directory.CreateTempSubdirectory("state-").FullName;
    private readonly string _name = $"default_test-{Guid.NewGuid():N}";

    public void Dispose() => Directory.Delete(_state, recursive: true);

    [Fact(Timeout = Timeout)]
    public async Task Vcpus_of_the_mask_are_raised_held_and_given_back()
    {
        RequiresRealtime();
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        await using var guest = await Guest.StartAsync(_name, "2", cpuset);
        using var vmi = Vmi("0-1,^1");
        var vcpus = await guest.Monitor.VcpuThreadsAsync();
        await using var agent = new AgentLoop(
            "--vm",
            _name,
            "--vmi",
            vmi.Path,
            "--state-dir",
            _state
        );
        var pinned = await agent.WaitForLogAsync("pinned within CPUs 0-1");
        Assert.Contains("from OTHER to FIFO 1", pinned);
        Assert.Equal(("SCHED_FIFO", "1"), await ChrtAsync(vcpus[0]));
        Assert.Equal(("SCHED_OTHER", "0"), await ChrtAsync(vcpus[1]));

        await ChrtAsync("-o", "-p", "0", $"{vcpus[0]}");
        var repaired = await agent.WaitForLogAsync("repaired");
        Assert.Contains($"vcpu 0 ({vcpus[0]}) from OTHER to FIFO 1", repaired);
        Assert.Equal(("SCHED_FIFO", "1"), await ChrtAsync(vcpus[0]));
        var explained = await Agent.RunAsync("explain", "--state-dir", _state, "--vm", _name);
        Assert.Contains("somebody had taken real-time priorities away", explained.StandardOutput);
        Assert.Contains("FIFO 1", (await agent.AskAsync("--vm", _name)).StandardOutput);

        var release = await Agent.RunAsync(
            "release",
            "--vm",
            _name.Replace('_', '/'),
            "--socket",
            agent.Socket,
            "--state-dir",
            _state
        );
        Assert.Equal((0, ""), (release.ExitCode, release.StandardError));
        Assert.Equal(("SCHED_OTHER", "0"), await ChrtAsync(vcpus[0]));
    }

    [Fact(Timeout = Timeout)]
    public async Task A_vcpu_that_is_more_urgent_already_stays_so()
    {
        RequiresRealtime();
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        await using var guest = await Guest.StartAsync(_name, "1", cpuset);
        using var vmi = Vmi("0");
        var vcpu = (await guest.Monitor.VcpuThreadsAsync())[0];
        await ChrtAsync("-f", "-p", "50", $"{vcpu}");

        var vm = (
            await Agent.RunOnceAsync("--vm", _name, "--vmi", vmi.Path, "--state-dir", _state)
        ).Vm(guest);

        var thread = vm.Threads.Single(thread => (int)thread["tid"]! == vcpu);
        Assert.Equal(
            ("FIFO 50", "AlreadyRight"),
            ((string)thread["realtime"]!["actual"]!, (string)thread["realtime"]!["outcome"]!)
        );
        Assert.Equal(("SCHED_FIFO", "50"), await ChrtAsync(vcpu));
    }

    [Fact(Timeout = Timeout)]
    public async Task A_cgroup_without_a_budget_of_real_time_is_told_of_and_the_masks_are_set()
    {
        RequiresRealtime();
        const string Hierarchy = "/sys/fs/cgroup/cpu";
        Assert.SkipUnless(
            File.Exists($"{Hierarchy}/cpu.rt_runtime_us"),
            "needs a kernel that budgets real time by cgroup (CONFIG_RT_GROUP_SCHED, cgroup v1)"
        );
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        var group = Directory.CreateDirectory($"{Hierarchy}/{_name}").FullName;
        try
        {
            await using var guest = await Guest.StartAsync(_name, "1", cpuset);
            await File.WriteAllTextAsync(
                $"{group}/cgroup.procs",
                $"{guest.Pid}",
                TestContext.Current.CancellationToken
            );
            using var vmi = Vmi("0");

            var vm = (
                await Agent.RunOnceAsync("--vm", _name, "--vmi", vmi.Path, "--state-dir", _state)
            ).Vm(guest);

            Assert.Equal(("PartlyPinned", "RealtimeDenied"), (vm.State, vm.Reason));
            Assert.Contains("cpu.rt_runtime_us", (string)vm.Json["message"]!);
            var vcpu = (await guest.Monitor.VcpuThreadsAsync())[0];
            Assert.Equal("0", guest.Masks()[vcpu]);
            Assert.Equal(("SCHED_OTHER", "0"), await ChrtAsync(vcpu));
        }
        finally
        {
            Directory.Delete(group);
        }
    }

    private static void RequiresRealtime()
    {
        Requires.RealGuests(cpus: 2);
        Requires.Program("chrt");
    }

    private VmiFile Vmi(string mask) =>
        new(
            $$"""
            kind: VirtualMachineInstance
            metadata: {name: {{_name["default_".Length..]}}, namespace: default}
            spec:
              domain:
                cpu:
                  dedicatedCpuPlacement: true
                  realtime: {mask: "{{mask}}" }
            """
        );

    // pid 4715's current scheduling policy: SCHED_FIFO
    // pid 4715's current scheduling priority: 1
    private static async Task<(string Policy, string Priority)> ChrtAsync(int tid)
    {
        var lines = (await ChrtAsync("-p", $"{tid}")).Split('\n');
        return (lines[0].Split(": ")[1], lines[1].Split(": ")[1]);
    }

    private static async Task<string> ChrtAsync(params string[] arguments) =>
        (await Cli.Wrap("chrt").WithArguments(arguments).ExecuteBufferedAsync()).StandardOutput;
}
