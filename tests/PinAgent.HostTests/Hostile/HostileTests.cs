using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Hostile;

/// <summary>
/// Tenants that attack the agent, each beside a neighbour whose threads are moved by hand again and again. Here times are
/// asserted, for they are what is promised. Attacks on what the kernel tells are on both ways to be told: with NET_ADMIN, and by
/// eBPF with what <c>deploy/overlays/ebpf</c> grants.
/// </summary>
[Trait("lane", "hostile")]
public sealed class HostileTests(HostileLane lane) : IClassFixture<HostileLane>
{
    private const int Timeout = Patience.Hang;
    private const int Enough = 5;
    private const int Many = 20;

    [Theory(Timeout = Timeout)]
    [InlineData(false)]
    [InlineData(true)]
    public Task Nobody(bool isEbpf) =>
        HoldsAsync("nobody", _ => Task.CompletedTask, isEbpf: isEbpf);

    [Fact(Timeout = Timeout)]
    public Task A_command_line_of_4_MB() =>
        HoldsAsync(
            "a command line of 4 MB",
            scene =>
                scene.Tenants.StartAsync("crowd", "ARGUMENTS=4194304", "GUEST=evil", "THREADS=2")
        );

    [Fact(Timeout = Timeout)]
    public Task A_command_line_of_4_MB_of_tiny_arguments() =>
        HoldsAsync(
            "the same of two million arguments, shown only",
            scene => scene.Tenants.StartAsync("crowd", "LINE=4194304", "GUEST=evil", "THREADS=2")
        );

    [Fact(Timeout = Timeout)]
    public Task A_command_line_of_4_MB_of_tiny_arguments_under_the_neighbours_name() =>
        HoldsAsync(
            "the same, under the neighbour's name",
            scene =>
                scene.Tenants.StartAsync(
                    "crowd",
                    "LINE=4194304",
                    $"GUEST={scene.Neighbour}",
                    "THREADS=2"
                )
        );

    [Fact(Timeout = Timeout)]
    public Task Two_hundred_processes_that_share_a_command_line_of_15_MB() =>
        HoldsAsync(
            "200 idle processes with one command line of 15 MB",
            scene => scene.Tenants.StartAsync("crowd", "LINE=15728640", "PROCESSES=200"),
            Many
        );

    [Fact(Timeout = Timeout)]
    public Task Twenty_thousand_idle_threads() =>
        HoldsAsync(
            "5 processes of 4,000 idle threads, no VMs",
            scene => scene.Tenants.StartAsync("crowd", "PROCESSES=5", "THREADS=4000")
        );

    [Fact(Timeout = Timeout)]
    public Task Twenty_thousand_threads_of_five_guests() =>
        HoldsAsync(
            "5 guests of 4,000 idle threads",
            scene => scene.Tenants.StartAsync("crowd", "PROCESSES=5", "THREADS=4000", "GUEST=evil")
        );

    [Fact(Timeout = Timeout)]
    public Task Twenty_thousand_threads_of_five_namesakes() =>
        HoldsAsync(
            "5 namesakes of the neighbour with 4,000 idle threads",
            scene =>
                scene.Tenants.StartAsync(
                    "crowd",
                    "PROCESSES=5",
                    "THREADS=4000",
                    $"GUEST={scene.Neighbour}"
                )
        );

    [Fact(Timeout = Timeout)]
    public Task A_thread_that_flips_its_name_with_a_long_command_line() =>
        HoldsAsync(
            "a thread's name flipped, command line of 2.5 MB",
            scene =>
                scene.Tenants.StartAsync(
                    "crowd",
                    "LINE=2621440",
                    "GUEST=evil",
                    "THREADS=2",
                    "FLIP=500"
                )
        );

    [Fact(Timeout = Timeout)]
    public Task A_guest_that_flips_its_state() =>
        HoldsAsync(
            "a guest that flips its state",
            scene =>
                scene.Tenants.StartAsync(
                    "crowd",
                    "GUEST=evil",
                    "VCPUS=1",
                    "THREADS=1",
                    "FLIP=5263"
                ),
            Many
        );

    [Theory(Timeout = Timeout)]
    [InlineData(false)]
    [InlineData(true)]
    public Task A_namesake_that_flips_its_state(bool isEbpf) =>
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
            Many,
            isEbpf
        );

    /// <summary>Nobody's threads that are watched: what each of its system calls costs the machine, its owner's share of a CPU pays.</summary>
    [Fact(Timeout = Timeout)]
    public Task A_guest_that_sets_its_own_masks() =>
        HoldsAsync(
            "a guest that sets its masks without end",
            scene =>
                scene.Tenants.StartAsync("crowd", "GUEST=evil", "VCPUS=1", "THREADS=1", "MASKS=1"),
            Many,
            isEbpf: true
        );

    [Fact(Timeout = Timeout)]
    public Task Namesakes_of_the_neighbour() =>
        HoldsAsync(
            "10 namesakes of the neighbour",
            scene =>
                scene.Tenants.StartAsync(
                    "crowd",
                    $"GUEST={scene.Neighbour}",
                    "PROCESSES=10",
                    "VCPUS=1",
                    "THREADS=1"
                )
        );

    [Fact(Timeout = Timeout)]
    public Task Clients_that_ask_for_the_page_and_dont_read() =>
        HoldsAsync(
            "100 clients that ask for / and don't read",
            async scene =>
            {
                await scene.Tenants.StartAsync("crowd", "GUEST=evil", "THREADS=3000");
                await scene.Tenants.StartAsync("clients", $"PORT={scene.Port}", "PATHNAME=/");
            },
            Many
        );

    [Fact(Timeout = Timeout)]
    public Task Clients_that_ask_for_a_large_vm_and_dont_read() =>
        HoldsAsync(
            "100 clients that ask for a VM of 3,000 threads",
            async scene =>
            {
                await scene.Tenants.StartAsync("crowd", "GUEST=evil", "THREADS=3000");
                await scene.Tenants.StartAsync(
                    "clients",
                    $"PORT={scene.Port}",
                    "PATHNAME=/api/v1/vms/host/evil"
                );
            },
            Many
        );

    [Theory(Timeout = Timeout)]
    [InlineData("/")]
    [InlineData("/api/v1/status")]
    [InlineData("/healthz")]
    public Task Clients_that_ask_and_read_as_fast_as_they_can(string path) =>
        HoldsAsync(
            $"30 clients that read {path} without end",
            async scene =>
            {
                await scene.Tenants.StartAsync("crowd", "GUEST=evil", "VCPUS=900", "THREADS=900");
                await scene.Tenants.StartAsync(
                    "clients",
                    $"PORT={scene.Port}",
                    "CLIENTS=30",
                    "READ=1",
                    $"PATHNAME={path}"
                );
            },
            Many
        );

    [Theory(Timeout = Timeout)]
    [InlineData("forks", "processes that end at once, without end")]
    [InlineData("threads", "threads that are named like vCPUs, without end")]
    [InlineData("execs", "guests that are born and end, without end")]
    [InlineData("forks", "processes that end at once, without end", true)]
    [InlineData("threads", "threads that are named like vCPUs, without end", true)]
    [InlineData("execs", "guests that are born and end, without end", true)]
    [InlineData("zombies", "200 zombies called like QEMU")]
    [InlineData("mainexit", "a guest without its main thread")]
    public Task Churn(string mode, string attack, bool isEbpf = false) =>
        HoldsAsync(
            attack,
            scene => scene.Tenants.StartAsync("churn", $"MODE={mode}", "GUEST=evil"),
            Many,
            isEbpf
        );

    private Task HoldsAsync(
        string attack,
        Func<Scene, Task> begin,
        int drifts = Enough,
        bool isEbpf = false
    ) =>
        lane.HoldsAsync(
            isEbpf ? $"eBPF: {attack}" : attack,
            begin,
            drifts,
            isEbpf ? ManifestLimits.ReadEbpf() : ManifestLimits.Read()
        );
}
