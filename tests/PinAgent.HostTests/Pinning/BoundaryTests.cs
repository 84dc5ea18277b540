using CliWrap;
using CliWrap.Buffered;
using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Pinning;

/// <summary>Rights that are missing, namespaces that differ, and programs that lie about themselves.</summary>
public sealed class BoundaryTests
{
    private const int Timeout = Patience.Hang;
    private readonly string _name = $"default_test-{Guid.NewGuid():N}";

    [Fact(Timeout = Timeout)]
    public async Task Audit_mode_tells_and_touches_nothing()
    {
        Requires.RealGuests(cpus: 2);
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        await using var guest = await Guest.StartAsync(_name, "1", cpuset);
        var before = guest.Masks();

        var status = await Agent.RunOnceAsync("--vm", _name, "--mode", "audit");

        Assert.Equal("audit", (string?)status.Json["mode"]);
        var vm = status.Vm(guest);
        Assert.Equal(("Waiting", "AuditMode", "Planned"), (vm.State, vm.Reason, vm.Outcomes));
        Assert.Equal(before, guest.Masks());
    }

    [Fact(Timeout = Timeout)]
    public async Task Without_the_capability_the_vm_is_shown_as_partly_pinned()
    {
        Requires.RealGuests(cpus: 2);
        Requires.Program("setpriv");
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");

        // Root may move root's threads without any capability, so let QEMU belong to somebody else.
        await using var guest = await Guest.StartAsync(_name, "1", cpuset, uid: 65534);

        var status = await Agent.RunOnceThroughAsync(
            "setpriv",
            ["--bounding-set", "-sys_nice", "--inh-caps", "-sys_nice"],
            "--vm",
            _name
        );

        var vm = status.Vm(guest);
        Assert.Equal(
            ("PartlyPinned", "PermissionMissing", "Denied"),
            (vm.State, vm.Reason, vm.Outcomes)
        );
    }

    [Fact(Timeout = Timeout)]
    public async Task In_a_cgroup_namespace_of_its_own_the_agent_still_finds_the_cpusets()
    {
        Requires.RealGuests(cpus: 2);
        Requires.Program("unshare");
        using var cpuset = new Cpuset(Cpuset.PodPath(out var podUid, out _), "0-1");
        using var own = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        await using var guest = await Guest.StartAsync(_name, "1", cpuset);

        var status = await Agent.RunOnceThroughAsync(
            "/bin/sh",
            ["-c", $"echo $$ > {own.Folder}/cgroup.procs && exec unshare --cgroup \"$@\"", "sh"],
            "--vm",
            _name
        );

        var vm = status.Vm(guest);
        Assert.Equal(("Pinned", podUid), (vm.State, (string?)vm.Json["podUid"]));
        Assert.Equal("0", guest.Masks()[(await guest.Monitor.VcpuThreadsAsync())[0]]);
    }

    [Fact(Timeout = Timeout)]
    public async Task In_a_pid_namespace_of_its_own_the_agent_only_audits()
    {
        Requires.RealGuests(cpus: 2);
        Requires.Program("unshare");
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        await using var guest = await Guest.StartAsync(_name, "1", cpuset);
        var before = guest.Masks();

        var status = await Agent.RunOnceThroughAsync("unshare", ["--pid", "--fork"], "--vm", _name);

        Assert.Equal("audit", (string?)status.Json["mode"]);
        Assert.Contains("live procfs", (string?)status.Json["modeMessage"]);
        Assert.Equal("AuditMode", status.Vm(guest).Reason);
        Assert.Equal(before, guest.Masks());
    }

    [Fact(Timeout = Timeout)]
    public async Task A_program_that_poses_as_a_guest_changes_nothing_outside_its_own_cpuset()
    {
        Requires.RealGuests(cpus: 2);
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "1");
        using var hostileCpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0");
        await using var guest = await Guest.StartAsync(_name, "1", cpuset);
        await using var poser = await DummyVm.StartAsync(
            hostileCpuset,
            ["-name", $"guest={_name}", "-smp", "2"],
            "CPU 0/KVM;CPU 1/KVM;CPU x/KVM;IO ) R 1"
        );

        var status = await Agent.RunOnceAsync("--vm", _name);

        // Both carry the name, and each is judged by its own threads and CPUs.
        Assert.Equal("Pinned", status.Vm(guest).State);
        Assert.Equal("Refused", status.Vm(poser.Pid).State);
        Assert.All(guest.Masks().Values, mask => Assert.Equal("1", mask));
        Assert.All(Threads.Masks(poser.Pid).Values, mask => Assert.Equal("0", mask));
    }

    [Fact(Timeout = Timeout)]
    public async Task A_guest_that_takes_anothers_name_and_every_cpu_takes_nothing_from_it()
    {
        Requires.RealGuests(cpus: 2);
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "1");
        await using var guest = await Guest.StartAsync(_name, "1", cpuset);
        await using var thief = await Guest.StartAsync(_name, "1", cpuset: null);
        var before = thief.Masks();

        var status = await Agent.RunOnceAsync("--vm", _name);

        Assert.Equal("Pinned", status.Vm(guest).State);
        Assert.Equal(
            ("NotExclusive", "CpusetOverlaps"),
            (status.Vm(thief).State, status.Vm(thief).Reason)
        );
        Assert.Contains("several guests have this name", status.Json["notices"]!.ToJsonString());
        Assert.Equal(before, thief.Masks());
    }

    [Fact(Timeout = Timeout)]
    public async Task A_command_line_of_four_megabytes_is_read_to_its_bound_and_costs_the_guest_beside_it_nothing()
    {
        Requires.RealGuests(cpus: 2);
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "1");
        using var hostileCpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0");
        await using var guest = await Guest.StartAsync(_name, "1", cpuset);
        await using var poser = await DummyVm.StartAsync(
            hostileCpuset,
            ["-machine", "q35", "-smp", "1"],
            "CPU 0/KVM",
            moreKilobytes: 4000
        );
        var length = (
            await File.ReadAllBytesAsync(
                $"/proc/{poser.Pid}/cmdline",
                TestContext.Current.CancellationToken
            )
        ).Length;
        Assert.InRange(length, 4_000_000, int.MaxValue);

        var status = await Agent.RunOnceAsync();

        Assert.Equal("Pinned", status.Vm(guest).State);
        Assert.All(guest.Masks().Values, mask => Assert.Equal("1", mask));
        Assert.Equal("Unreadable", status.Vm(poser.Pid).Reason);
        Assert.Contains("64 KiB", status.Vm(poser.Pid).Json.ToJsonString());
    }

    [Fact(Timeout = Timeout)]
    public async Task A_program_with_a_vcpus_thread_name_and_no_guest_is_no_vm()
    {
        Requires.RealGuests(cpus: 2);
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0");
        await using var program = await DummyVm.StartAsync(cpuset, [], "CPU 0/KVM");

        Assert.False((await Agent.RunOnceAsync()).Has(program.Pid));
    }

    [Fact(Timeout = Timeout)]
    public async Task Over_a_copy_of_a_machine_the_agent_only_audits()
    {
        Requires.RealGuests(cpus: 2);
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        await using var guest = await Guest.StartAsync(_name, "1", cpuset);
        var copy = Directory.CreateTempSubdirectory("pinagent-test-").FullName;
        try
        {
            // The real thread ids of a real guest, in files that anybody could have written.
            await Cli.Wrap("/bin/sh")
                .WithArguments([
                    "-c",
                    $"""
                    cd / && find proc/{guest.Pid}/stat proc/{guest.Pid}/cmdline proc/{guest.Pid}/task/*/stat \
                        proc/{guest.Pid}/task/*/status proc/{guest.Pid}/task/*/cgroup proc/1/mountinfo proc/uptime \
                        sys/devices/system/cpu/online sys/devices/system/cpu/cpu*/topology/* | \
                      while read -r file; do mkdir -p "{copy}/$(dirname "$file")"; cat "$file" > "{copy}/$file"; done
                    mkdir -p "{copy}{cpuset.Folder}"; cp {cpuset.Folder}/cpuset.* "{copy}{cpuset.Folder}" || true
                    """,
                ])
                .WithValidation(CommandResultValidation.None)
                .ExecuteBufferedAsync(TestContext.Current.CancellationToken);
            var before = guest.Masks();

            var status = await Agent.RunOnceAsync("--host-root", copy, "--vm", _name);

            Assert.Equal("audit", (string?)status.Json["mode"]);
            Assert.Equal(
                ("AuditMode", "Planned"),
                (status.Vm(guest).Reason, status.Vm(guest).Outcomes)
            );
            Assert.Equal(before, guest.Masks());
        }
        finally
        {
            Directory.Delete(copy, recursive: true);
        }
    }
}
