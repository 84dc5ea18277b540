using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Hostile;

/// <summary>
/// A thread of the kernel for a VM that isn't QEMU's, and a tenant whose QEMU, by its numbers, could be the owner. Needs KVM, and
/// four CPUs, so that the tenant has some to itself.
/// </summary>
[Trait("lane", "hostile")]
public sealed class TimerTests(HostileLane lane) : IClassFixture<HostileLane>
{
    private const string Guest = "default_posing";

    // Each tenant's program is the first process of its PID namespace.
    private const string TimerThread = "kvm-pit/1";

    [Fact(Timeout = Patience.Hang)]
    public async Task A_thread_of_the_kernel_for_another_tenants_vm_stays_where_it_was()
    {
        HostileLane.Require();
        Assert.SkipUnless(File.Exists("/dev/kvm"), "needs /dev/kvm");
        Assert.SkipUnless(
            File.GetUnixFileMode("/dev/kvm")
                .HasFlag(UnixFileMode.OtherRead | UnixFileMode.OtherWrite),
            "needs a /dev/kvm that every user may open"
        );
        Assert.SkipUnless(Environment.ProcessorCount >= 4, "needs 4 CPUs");

        using var group = new ControlGroup("neighbour");
        using var tenants = new Tenants(lane.Programs);
        await using var neighbour = await Neighbour.StartAsync(group);
        await tenants.StartAsync("crowd", $"GUEST={Guest}", "VCPUS=1", "THREADS=1");
        var others = TimerThreads();
        await tenants.StartAsync("pit");
        var timer = Assert.Single(TimerThreads().Except(others));
        var before = Threads.Mask($"/proc/{timer}");

        await using var agent = new MeasuredAgent(ManifestLimits.Read(), neighbour.Name, Guest);
        await agent.PinnedAsync();

        Assert.Equal(before, Threads.Mask($"/proc/{timer}"));
        Assert.False(agent.HasEnded);
    }

    private static List<int> TimerThreads() =>
        [
            .. Directory
                .EnumerateDirectories("/proc")
                .Select(folder => int.TryParse(Path.GetFileName(folder), out var pid) ? pid : 0)
                .Where(pid => pid > 0 && NameOf(pid) == TimerThread),
        ];

    private static string NameOf(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/comm").TrimEnd();
        }
        catch (IOException)
        {
            return "";
        }
    }
}
