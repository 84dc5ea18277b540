using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Pinning;

/// <summary>Real QEMUs that aren't started as libvirt starts them.</summary>
public sealed class UnusualQemuTests
{
    private const int Timeout = Patience.Hang;

    private const string Topology =
        "[machine]\ntype = \"q35\"\n\n# CPU\n[smp-opts]\ncpus = \"2\"\nsockets = \"1\"\ncores = \"1\"\nthreads = \"2\"\n";

    // The agent's rights where it's installed as told: without CAP_SYS_PTRACE it can't open another user's root.
    private static readonly string[] AsInstalled =
    [
        "--bounding-set",
        "-all,+sys_nice,+net_admin",
        "--inh-caps",
        "-all",
    ];

    [Theory(Timeout = Timeout)]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_topology_in_a_file_is_read_as_Incus_writes_it(bool asInstalled)
    {
        Requires.RealGuests(cpus: 2);
        using var folder = new ConfigFolder();
        await using var guest = await Guest.StartAsync(
            "v1",
            smp: null,
            cpuset: null,
            more: ["-readconfig", folder.Write(Topology), "-runas", "nobody"]
        );

        var status = await RunAsync(asInstalled);

        var vm = status.Vm(guest);
        Assert.Equal("1×1×2", Shape(vm));
        Assert.DoesNotContain(
            Advisories(vm),
            told => told.Contains("readconfig", StringComparison.Ordinal)
        );
    }

    [Fact(Timeout = Timeout)]
    public async Task A_file_that_others_could_have_written_says_nothing()
    {
        Requires.RealGuests(cpus: 2);
        using var folder = new ConfigFolder();
        var file = folder.Write(Topology);
        await using var guest = await Guest.StartAsync(
            "v1",
            smp: null,
            cpuset: null,
            more: ["-readconfig", file, "-runas", "nobody"]
        );
        folder.LetOthersWrite();

        var vm = (await RunAsync(asInstalled: false)).Vm(guest);

        Assert.Equal("1×2×1", Shape(vm));
        Assert.Contains(
            Advisories(vm),
            told => told.Contains("topology isn't known", StringComparison.Ordinal)
        );
    }

    [Fact(Timeout = Timeout)]
    public async Task A_QEMU_of_another_name_with_unnamed_threads_is_shown()
    {
        Requires.RealGuests(cpus: 2);
        using var folder = new ConfigFolder();
        await using var guest = await Guest.StartAsync(
            "win",
            "2",
            cpuset: null,
            debugThreads: false,
            program: folder.Link("kvm", "/usr/bin/qemu-system-x86_64")
        );

        foreach (var asInstalled in new[] { false, true })
        {
            var vm = (await RunAsync(asInstalled, "--vm", "win")).Vm(guest);

            Assert.Equal(("Waiting", "ThreadsUnnamed"), (vm.State, vm.Reason));
        }
    }

    [Fact(Timeout = Timeout)]
    public async Task Any_name_of_a_guest_or_a_process_is_one()
    {
        Requires.RealGuests(cpus: 2);
        const string Name = "Gäst, x=y ü";
        await using var guest = await Guest.StartAsync(
            Name,
            "1",
            cpuset: null,
            nameOptions: ",process=weird (x) name",
            more: ["-object", "iothread,id=iothread123456", "-object", "iothread,id=iothread2"]
        );

        var vm = (await RunAsync(asInstalled: false, "--vm", Name)).Vm(guest);

        Assert.Equal($"host/{Name}", vm.FullName);
        Assert.Equal("AuditMode", vm.Reason);
        Assert.Equal(1, Count(vm, "vcpu"));
        Assert.Contains(
            vm.Threads,
            thread => (string)thread["role"]! == "iothread" && (int?)thread["index"] == 2
        );

        // QEMU 7.2 gives the other one no name; later ones cut it.
        Assert.True(
            Count(vm, "iothread") == 2
                || Advisories(vm)
                    .Any(told =>
                        told.Contains(
                            "I/O threads without a name: 1 of 2",
                            StringComparison.Ordinal
                        )
                    )
        );
    }

    private static Task<Status> RunAsync(bool asInstalled, params string[] arguments) =>
        asInstalled
            ? Agent.RunOnceThroughAsync("setpriv", AsInstalled, ["--mode", "audit", .. arguments])
            : Agent.RunOnceAsync(["--mode", "audit", .. arguments]);

    private static string Shape(Vm vm)
    {
        var guest = vm.Json["guest"]!;
        return $"{guest["sockets"]}×{guest["cores"]}×{guest["threads"]}";
    }

    private static IReadOnlyList<string> Advisories(Vm vm) =>
        [.. vm.Json["advisories"]!.AsArray().Select(told => (string)told!)];

    private static int Count(Vm vm, string role) =>
        vm.Threads.Count(thread => (string)thread["role"]! == role);

    // Root's alone, as Incus's is.
    private sealed class ConfigFolder : IDisposable
    {
        private readonly string _path = Directory
            .CreateDirectory($"/run/pinagent-test-{Guid.NewGuid():N}", (UnixFileMode)0b111_000_000)
            .FullName;

        public string Write(string content)
        {
            var file = $"{_path}/qemu.conf";
            File.WriteAllText(file, content);
            File.SetUnixFileMode(file, (UnixFileMode)0b110_100_000);
            return file;
        }

        public string Link(string name, string target)
        {
            File.CreateSymbolicLink($"{_path}/{name}", target);
            return $"{_path}/{name}";
        }

        public void LetOthersWrite() => File.SetUnixFileMode(_path, (UnixFileMode)0b111_111_111);

        public void Dispose() => Directory.Delete(_path, recursive: true);
    }
}
