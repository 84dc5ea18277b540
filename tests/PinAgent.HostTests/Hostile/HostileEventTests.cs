using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Hostile;

/// <summary>
/// What tenants can do to an agent that the kernel tells of masks, names and moves by eBPF: without NET_ADMIN, with what
/// <c>deploy/overlays/ebpf</c> grants, within the same bounds.
/// </summary>
[Trait("lane", "hostile")]
public sealed class HostileEventTests(HostileLane lane) : IClassFixture<HostileLane>
{
    private const int Timeout = Patience.Hang;
    private const int Enough = 5;
    private const int Many = 20;
    private const string Evil = "evil";

    [Fact(Timeout = Timeout)]
    public Task Nobody() => HoldsAsync("nobody", _ => Task.CompletedTask);

    /// <summary>Nobody's threads that are watched: what each of its system calls costs the machine, its owner's share of a CPU pays.</summary>
    [Fact(Timeout = Timeout)]
    public Task A_guest_that_sets_its_own_masks() =>
        HoldsAsync(
            "a guest that sets its masks without end",
            scene =>
                scene.Tenants.StartAsync(
                    "crowd",
                    $"GUEST={Evil}",
                    "VCPUS=1",
                    "THREADS=1",
                    "MASKS=1"
                ),
            Many
        );

    [Fact(Timeout = Timeout)]
    public Task A_namesake_that_flips_its_state() =>
        HoldsAsync(
            "a namesake of the neighbour that flips its state",
            scene =>
                scene.Tenants.StartAsync(
                    "crowd",
                    $"GUEST={scene.Neighbour}",
                    "VCPUS=1",
                    "THREADS=1",
                    "FLIP=5263"
                ),
            Many
        );

    [Theory(Timeout = Timeout)]
    [InlineData("forks", "processes that end at once, without end")]
    [InlineData("threads", "threads that are named like vCPUs, without end")]
    [InlineData("execs", "guests that are born and end, without end")]
    public Task Churn(string mode, string attack) =>
        HoldsAsync(
            attack,
            scene => scene.Tenants.StartAsync("churn", $"MODE={mode}", $"GUEST={Evil}"),
            Many
        );

    private Task HoldsAsync(string attack, Func<Scene, Task> begin, int drifts = Enough) =>
        lane.HoldsAsync($"eBPF: {attack}", begin, drifts, ManifestLimits.ReadEbpf());
}
