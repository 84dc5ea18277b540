using System.Text.Json.Nodes;
using PinAgent.HostTests.Bpf;
using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Image;

/// <summary>
/// The image under runc with the rights of <c>deploy/overlays/ebpf</c>, and what is lost without each. With the tracepoints of
/// system calls: the kernel of this lane needs no probes then.
/// </summary>
[Trait("lane", "image")]
public sealed class EbpfOverlayTests
{
    private const int Timeout = 120_000;

    // Whom virt-launcher's QEMU belongs to.
    private const int Qemu = 107;

    private readonly string _name = $"default_test-{Guid.NewGuid():N}";

    public static TheoryData<string> Rights => ["BPF", "PERFMON", "/sys/kernel/tracing", "seccomp"];

    [Fact(Timeout = Timeout)]
    public async Task New_threads_are_told_of_and_who_moves_one_without_the_hosts_network()
    {
        using var trace = TraceMount.Require();
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        await using var agent = await StartAsync(trace, _ => { });
        await using var guest = await Guest.StartAsync(_name, "1", cpuset, uid: Qemu);
        var vcpu = (await guest.Monitor.VcpuThreadsAsync())[0];

        // In its first seconds its manager isn't disturbed; it's looked at once an hour only.
        while (!agent.Log.Contains("taskset (pid", StringComparison.Ordinal))
        {
            await Threads.TasksetAsync(vcpu, "0-1");
        }

        Assert.Contains("had set other masks, back after", agent.Log, StringComparison.Ordinal);
        Assert.Equal("ebpf listening syscalls", await SourceAsync(agent));
    }

    [Theory(Timeout = Timeout)]
    [MemberData(nameof(Rights))]
    public async Task Without_a_right_the_kernel_tells_less_and_the_guest_is_pinned_all_the_same(
        string right
    )
    {
        using var trace = TraceMount.Require();
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        await using var guest = await Guest.StartAsync(_name, "1", cpuset, uid: Qemu);
        await using var agent = await StartAsync(
            trace,
            pod =>
            {
                var container = Manifest.ContainerOf(pod);
                var added = container["securityContext"]!["capabilities"]!["add"]!.AsArray();
                var mounts = container["volumeMounts"]!.AsArray();
                switch (right)
                {
                    case "seccomp":
                        pod["securityContext"]!["seccompProfile"]!["type"] = "RuntimeDefault";
                        break;
                    case "BPF" or "PERFMON":
                        added.Remove(added.Single(name => (string)name! == right));
                        break;
                    default:
                        mounts.Remove(mounts.Single(one => (string)one!["mountPath"]! == right));
                        break;
                }
            }
        );

        Assert.Equal("scanning scanning looking", await SourceAsync(agent));
        Assert.Equal("Pinned", (await agent.StatusAsync()).Vm(guest).State);
    }

    private Task<Container> StartAsync(TraceMount trace, Action<JsonObject> change) =>
        Container.StartAsync(
            _name,
            pod =>
            {
                var volume = pod["volumes"]!
                    .AsArray()
                    .Single(one => (string)one!["name"]! == "tracing")!;
                Assert.Equal("/sys/kernel/tracing", (string)volume["hostPath"]!["path"]!);
                volume["hostPath"]!["path"] = trace.Path;
                foreach (var argument in new[] { "--events", "syscalls", "--interval", "3600" })
                {
                    Manifest.ContainerOf(pod)["args"]!.AsArray().Add(argument);
                }

                change(pod);
            },
            folder: "deploy/overlays/ebpf"
        );

    private static async Task<string> SourceAsync(Container agent)
    {
        var events = (await agent.StatusAsync()).Json["events"]!;
        return $"{events["source"]} {events["state"]} {events["masks"]!["state"]}";
    }
}
