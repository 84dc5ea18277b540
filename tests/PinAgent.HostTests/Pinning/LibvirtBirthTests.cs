using System.Globalization;
using PinAgent.HostTests.Harness;
using PinAgent.HostTests.Kubelet;
using Xunit;

namespace PinAgent.HostTests.Pinning;

/// <summary>A real libvirtd that sets the masks of a guest's threads itself, with an agent that was there before the guest.</summary>
public sealed class LibvirtBirthTests(LibvirtWithoutCgroups libvirt)
    : IClassFixture<LibvirtWithoutCgroups>
{
    private readonly string _name = $"lv-{Guid.NewGuid():N}";

    [Theory(Timeout = Patience.Hang)]
    [InlineData("1 0")]
    [InlineData("0 1")]
    public async Task What_it_comes_to_is_held_without_a_repair_or_a_contest(string pins)
    {
        await libvirt.StartAsync();
        await using var agent = new AgentLoop("--vm", $"{_name}=0-1");
        await agent.WaitForLogAsync("mode enforce");
        var vcpupins = pins.Split(' ')
            .Select(
                (cpu, vcpu) =>
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"<vcpupin vcpu='{vcpu}' cpuset='{cpu}'/>"
                    )
            );
        await using var guest = await libvirt.CreateAsync(
            _name,
            $"<vcpu>2</vcpu><cputune>{string.Concat(vcpupins)}</cputune>"
        );
        Assert.DoesNotContain("/vcpu", File.ReadAllText($"/proc/{guest.Pid}/cgroup"));

        // It's done by then.
        await agent.WaitForLogAsync("pinned within CPUs 0-1");
        await Until.EqualAsync(
            pins,
            () => Task.FromResult($"{Masks.Of(guest.Pid, "CPU 0")} {Masks.Of(guest.Pid, "CPU 1")}")
        );
        Assert.Contains("\npinagent_drift_repairs_total 0\n", await agent.MetricsAsync());
        Assert.DoesNotContain("another program", agent.Said, StringComparison.Ordinal);
    }
}
