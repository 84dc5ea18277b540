using System.Globalization;
using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Pinning;

/// <summary>
/// A real QEMU, started and set as KubeVirt does it: libvirt starts it on the CPU of its isolated emulator, so that every thread
/// is born there, and sets the masks one by one; virt-handler makes <c>housekeeping</c> as a copy, writes it and moves all threads
/// but the vCPUs there. What stands for the two was checked against the traces in tests/fixtures/birth.
/// </summary>
public sealed class BirthTests
{
    private const int Timeout = Patience.Hang;
    private const int NodeTimeout = Patience.Hang;
    private readonly string _name = $"default_test-{Guid.NewGuid():N}";

    /// <summary>When the agent begins to look.</summary>
    public enum Start
    {
        /// <summary>Before QEMU.</summary>
        Before,

        /// <summary>While the masks are set.</summary>
        During,

        /// <summary>When all is done.</summary>
        After,
    }

    /// <summary>When <c>housekeeping</c> is made.</summary>
    public enum Group
    {
        /// <summary>Before the masks are set.</summary>
        Early,

        /// <summary>Afterwards.</summary>
        Late,

        /// <summary>Not at all.</summary>
        Never,
    }

    public static TheoryData<Start, Group, int> Moments =>
        [
            .. from start in Enum.GetValues<Start>()
            from made in Enum.GetValues<Group>()
            select (start, made, start == Start.During ? 0 : 1),
        ];

    [Theory(Timeout = Timeout)]
    [MemberData(nameof(Moments))]
    public async Task One_vcpu_and_its_emulator_are_where_libvirt_puts_them(
        Start start,
        Group made,
        int ioThreads
    )
    {
        Requires.RealGuests(cpus: 2);
        Requires.Program("taskset");
        await BeBornAsync(0, 1, ioThreads, start, made);
    }

    [Theory(Timeout = NodeTimeout)]
    [Trait("lane", "node")]
    [InlineData(2, 0, Start.Before, Group.Never)]
    [InlineData(2, 2, Start.During, Group.Late)]
    [InlineData(2, 2, Start.After, Group.Late)]
    [InlineData(4, 2, Start.Before, Group.Late)]
    [InlineData(4, 0, Start.During, Group.Early)]
    [InlineData(4, 2, Start.After, Group.Never)]
    [InlineData(8, 2, Start.Before, Group.Early)]
    [InlineData(8, 2, Start.During, Group.Never)]
    [InlineData(8, 0, Start.After, Group.Late)]
    public async Task So_are_several_vcpus(int vcpus, int ioThreads, Start start, Group made)
    {
        Requires.RealGuests(cpus: 16);
        await BeBornAsync(2, vcpus, ioThreads, start, made);
    }

    private async Task BeBornAsync(int first, int vcpus, int ioThreads, Start start, Group made)
    {
        var emulator = $"{first + vcpus}";
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), $"{first}-{emulator}");
        using var vmi = new VmiFile(
            $$"""
            kind: VirtualMachineInstance
            metadata: {name: {{_name["default_".Length..]}}, namespace: default}
            spec:
              domain:
                cpu: {dedicatedCpuPlacement: true, isolateEmulatorThread: true, cores: {{vcpus}} }
            """
        );
        await using var before = start == Start.Before ? Begin(vmi) : null;
        if (before is not null)
        {
            await before.WaitForLogAsync("no running guest has this name");
        }

        await using var guest = await Guest.StartAsync(
            _name,
            $"{vcpus}",
            cpuset,
            ioThreads,
            accelerator: Guest.Accelerator,
            bornOn: emulator
        );
        var vcpuThreads = (await guest.Monitor.VcpuThreadsAsync())
            .OrderBy(vcpu => vcpu.Key)
            .Select(vcpu => vcpu.Value)
            .ToArray();
        if (before is not null)
        {
            await WaitUntilPinnedAsync(before);
            AssertPlaced();
        }

        MakeHousekeeping(Group.Early);
        await SetAsync(0, vcpus / 2);
        await using var during = start == Start.During ? Begin(vmi) : null;
        if (during is not null)
        {
            await WaitUntilPinnedAsync(during);
            AssertPlaced();
        }

        await SetAsync(vcpus / 2, vcpus);
        foreach (var tid in (await guest.Monitor.IoThreadsAsync()).Values)
        {
            await Threads.TasksetAsync(tid, emulator);
        }

        MakeHousekeeping(Group.Late);
        await using var after = start == Start.After ? Begin(vmi) : null;
        if (after is not null)
        {
            await WaitUntilPinnedAsync(after);
        }

        AssertPlaced();

        // What is put back now is all that was ever put back.
        var agent = before ?? during ?? after!;
        await Threads.TasksetAsync(vcpuThreads[0], emulator);
        var line = await agent.WaitForLogAsync("repaired");
        Assert.Contains($"vcpu 0 ({vcpuThreads[0]}) from {emulator} to {first}", line);
        Assert.Contains("\npinagent_drift_repairs_total 1\n", await agent.MetricsAsync());
        AssertPlaced();

        void AssertPlaced() =>
            Assert.All(
                guest.Masks(),
                mask =>
                    Assert.Equal(
                        Array.IndexOf(vcpuThreads, mask.Key) is >= 0 and var n
                            ? (first + n).ToString(CultureInfo.InvariantCulture)
                            : emulator,
                        mask.Value
                    )
            );

        async Task SetAsync(int from, int to)
        {
            for (var n = from; n < to; n++)
            {
                await Threads.TasksetAsync(vcpuThreads[n], $"{first + n}");
            }
        }

        void MakeHousekeeping(Group now)
        {
            if (now == made)
            {
                cpuset.AddThreadedChild("housekeeping", $"{first}-{emulator}", []);
                cpuset.WriteChild("housekeeping", emulator);
                cpuset.MoveToChild("housekeeping", guest.Masks().Keys.Except(vcpuThreads));
            }
        }
    }

    private AgentLoop Begin(VmiFile vmi) => new("--vm", _name, "--vmi", vmi.Path);

    private static Task WaitUntilPinnedAsync(AgentLoop agent) =>
        agent.WaitForLogAsync("pinned within CPUs");
}
