using System.Text;
using System.Text.Json;
using Google.Protobuf;
using PinAgent.Cli.Settings;
using PinAgent.Cli.Top;
using PinAgent.Kubernetes.Client;
using PinAgent.Kubernetes.Watch;
using PinAgent.Model.Cpu;
using PinAgent.Model.Kubernetes;
using PinAgent.NativeInterop;
using PinAgent.NativeInterop.Bpf;
using PinAgent.Observe.Cgroups;
using PinAgent.Observe.Cluster;
using PinAgent.Observe.Kubelet;
using PinAgent.Observe.Kubelet.V1;
using PinAgent.Observe.Proc;
using PinAgent.Observe.Qemu;
using PinAgent.Observe.Qemu.CommandLine;
using PinAgent.Observe.Qemu.ConfigFile;
using PinAgent.Observe.Vmi;
using PinAgent.Plan.Placement;
using PinAgent.State;
using Xunit;

namespace PinAgent.Tests.Fuzz;

/// <summary>A parser of bytes that others write, and inputs to begin with.</summary>
/// <param name="Read">Reads an input; throws only what it doesn't promise.</param>
/// <param name="Corpus">Right ones, and those that were once too much.</param>
internal sealed record FuzzTarget(string Name, Action<byte[]> Read, byte[][] Corpus)
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        .. OfProcesses(),
        .. OfQemu(),
        .. OfTheKubelet(),
        .. OfTheCluster(),
        .. OfAdministrators(),
        .. OfTheKernel(),
    ];

    private static IEnumerable<FuzzTarget> OfProcesses()
    {
        yield return new(
            "stat",
            input =>
            {
                _ = ProcStat.TryParse(input, out _);
                _ = ProcStatScheduling.TryParse(input);
                _ = KernelCounts.ParseStolen(Encoding.UTF8.GetString(input));
            },
            Texts(
                "4715 (CPU 0/KVM) S 4700 4700 4700 0 -1 4194624 1 0 0 0 5 6 0 0 20 0 9 0 123456 1 2 18446744073709551615 "
                    + "0 0 0 0 0 0 0 4096 17663 0 0 0 -1 3 1 1 0 0 0 0 0 0 0 0 0 0 0\n",
                "1 (a) b) (c) R 0 0 0\n",
                "cpu  1 2 3 4 5 6 7 8 9 10\ncpu0 1 2 3 4 5 6 7 8 9 10\n",
                "cpu0 1 2 3 9223372036854775807 5 6 7 8 9 10\n"
            )
        );
        yield return new(
            "status",
            input =>
            {
                _ = ProcStatus.TryParseNamespacePids(input, out _);
                _ = ProcStatus.TryParseAllowedCpus(input, out _);
                _ = ProcStatus.TryParseCapabilities(input, out _);
                _ = ProcStatus.IsOfRoot(input);
                _ = ProcessRights.Parse(input);
            },
            Texts(
                "Name:\tqemu\nUid:\t0\t107\t0\t0\nGid:\t0\t0\t0\t0\nGroups:\t107 36 \nNSpid:\t4715\t12\t1\nCapEff:\t000001ffffffffff\n"
                    + "Cpus_allowed:\tff,ffffffff\nCpus_allowed_list:\t0-3,8\n"
            )
        );
        yield return new(
            "cgroup",
            input =>
            {
                foreach (var isV1 in new[] { false, true })
                {
                    if (ProcCgroup.TryParse(input, isV1, out var path))
                    {
                        _ = ContainerPath.Parse(path, ["/kubepods", "/kubepods.slice"], ["docker"]);
                    }
                }
            },
            Texts(
                "5:cpuset:/kubepods/burstable/pod7c1f5c1e-5d1c-4b9d-9c1e-7c1f5c1e5d1c/0123456789abcdef0123456789abcdef\n",
                "0::/kubepods.slice/kubepods-pod7c1f5c1e_5d1c.slice/cri-containerd-0123456789abcdef.scope/libvirt/vcpu0\n",
                "0::/machine.slice/machine-qemu\\x2d1\\x2dvm1.scope/libvirt/emulator\n"
            )
        );
        yield return new(
            "mountinfo",
            input =>
            {
                _ = MountInfo.ParseCgroups(input);
                _ = MountInfo.FindHidePid(input);
                _ = MountTable.Parse(input);
            },
            Texts(
                "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
                    + "31 23 0:27 / /sys/fs/cgroup/cpu\\040set rw - cgroup cgroup rw,cpuset\n"
                    + "32 23 0:5 / /proc rw - proc proc rw,hidepid=invisible\n"
            )
        );
        yield return new(
            "interrupts",
            input => _ = ProcInterrupts.Parse(input),
            Texts(
                "           CPU0       CPU1\n  0:         33          0   IO-APIC    2-edge      timer\n LOC:     123456     234567   Local timer interrupts\n"
            )
        );
        yield return new(
            "schedstat",
            input =>
            {
                _ = ProcSchedstat.TryParseRunDelay(input);
                _ = KvmVcpuFiles.TryParseTarget(input, out _);
                _ = KvmVcpuFiles.TryParseKvmRun(input, out _);
            },
            Texts(
                "123456789 987654 321\n",
                "anon_inode:kvm-vcpu:12",
                "7f0000000000-7f0000003000 rw-s 00000000 00:0f 1234 anon_inode:kvm-vcpu:0\n"
            )
        );
    }

    private static IEnumerable<FuzzTarget> OfQemu()
    {
        yield return new(
            "thread names",
            input => _ = ThreadName.Parse(input.AsSpan(0, Math.Min(input.Length, 16))),
            Texts("CPU 12/KVM", "IO iothread3", "IO mon_iothread", "vnc_worker", "CPU 0/TCG")
        );
        yield return new(
            "command lines",
            input =>
            {
                _ = QemuCommandLine.Parse(input);
                _ = QemuCommandLine.Parse(input, isWhole: false);
            },
            [
                Arguments(
                    "qemu-system-x86_64 -name guest=default_vm1,debug-threads=on -smp 4,maxcpus=8,sockets=2,cores=2,threads=2 "
                        + "-object iothread,id=iothread1 -overcommit cpu-pm=on -uuid 0e5e59df-c08c-4702-8751-65c2e5216357"
                ),
                Arguments(
                    """kvm -id 100 -smp cpus=2 -object {"qom-type":"iothread","id":"io1"} -set smp-opts.x=2 -readconfig /etc/vm.cfg"""
                ),
                Arguments("/usr/libexec/qemu-kvm -name=x,,y -smp=8 -M pc,smp.cpus=4"),
                Arguments("""qemu-kvm -object {"qom-\ud800type":"iothread"}"""),
            ]
        );
        yield return new(
            "-readconfig",
            input => _ = QemuConfig.Parse(input),
            Texts(
                "# a comment\n[smp-opts]\n  cpus = \"4\"\n  sockets = \"1\"\n\n[object \"iothread1\"]\n  qom-type = \"iothread\"\n[name]\n  guest = \"vm1\"\n"
            )
        );
    }

    private static IEnumerable<FuzzTarget> OfTheKubelet()
    {
        yield return new(
            "CPU lists",
            input =>
            {
                if (CpuSet.TryParse(input, out var cpus, out _))
                {
                    Assert.Equal(cpus, CpuSet.Parse(cpus.ToString()));
                }
            },
            Texts("0-3,8\n", "0", "", "0-1535", "1,3,5-7:2/4")
        );
        yield return new(
            "checkpoints",
            input => _ = CpuManagerStateFile.TryParse(input, out _, out _),
            Files("checkpoints")
        );
        yield return new(
            "PodResources",
            input =>
            {
                try
                {
                    _ = PodResourcesMessage.Read(ListPodResourcesResponse.Parser.ParseFrom(input));
                }
                catch (Exception problem)
                    when (problem is InvalidProtocolBufferException or InvalidDataException)
                {
                    // As it says.
                }
            },
            [Pods().ToByteArray()]
        );
    }

    private static IEnumerable<FuzzTarget> OfTheCluster()
    {
        yield return new(
            "VMIs",
            input =>
            {
                try
                {
                    _ = VmiFile.Parse(Encoding.UTF8.GetString(input), "vmi.yaml");
                }
                catch (InvalidDataException)
                {
                    // As it says.
                }
            },
            Files("validate")
        );
        yield return new(
            "quantities",
            input =>
            {
                var text = Encoding.UTF8.GetString(input);
                _ = Quantity.TryParse(text, out _);
                _ = RealtimeMask.TryParse(text, out _, out _);
            },
            Texts("1500m", "2", "1.5", "1Gi", "12e6", "0-3,^1", "^0")
        );
        yield return new(
            "API messages",
            input =>
            {
                Try(() => _ = ApiMessage.ReadList(input));
                Try(() => _ = ApiMessage.ReadEvent(input));
                Try(() => _ = ApiMessage.ReadMetadata(input));
                Try(() => _ = NodeReader.Read(input));
                Try(() => _ = NodeReader.ReadAllocatable(input));
                _ = ApiMessage.ReadStatus(input);
            },
            Texts(
                """{"type":"MODIFIED","object":{"kind":"Node","metadata":{"name":"n1","uid":"u","resourceVersion":"12","labels":{"cpumanager":"true"}},"status":{"allocatable":{"cpu":"14","memory":"1Gi"}}}}""",
                """{"kind":"Node","metadata":{"uid":"u","managedFields":[{"manager":"pinagent","operation":"Apply","fieldsV1":{"f:metadata":{"f:labels":{"f:cpumanager":{}}}}}]}}""",
                """{"kind":"NodeList","metadata":{"resourceVersion":"7"},"items":[{"metadata":{"name":"n1","uid":"u","namespace":"d","annotations":{}}}]}""",
                """{"type":"\udc00","object":{}}""",
                """{"metadata":{"uid":"u","managedFields":[{"fieldsV1":{"f:metadata":{"f:labels":{"f:\ud800":{}}}}}]}}""",
                """{"kind":"Status","status":"Failure","message":"too old","reason":"Expired","code":410}"""
            )
        );
        yield return new(
            "watch lines",
            input =>
            {
                using var stream = new MemoryStream(input);
                var reader = new LineReader(stream, longest: 4096);
                while (reader.ReadAsync(CancellationToken.None).AsTask().Result is { } line)
                {
                    Assert.True(line.Bytes.Length <= 4096);
                }
            },
            Texts("{\"type\":\"ADDED\"}\n{\"type\":\"DELETED\"}\n")
        );
    }

    private static IEnumerable<FuzzTarget> OfAdministrators()
    {
        yield return new(
            "settings",
            input =>
            {
                try
                {
                    _ = SettingsFile.Parse("settings.yaml", Encoding.UTF8.GetString(input));
                }
                catch (FormatException)
                {
                    // As it says.
                }
            },
            Texts(
                "mode: audit\ninterval: 2\nvm: {db1: 4-7, \"web\": 1}\nlabel: [a, b]\n# x\ntcp: &a 127.0.0.1:1\nmetrics: *a\n"
            )
        );
        yield return new(
            "plan",
            input => _ = PlanLine.Answer(input, Placer.Default, out _),
            Texts(
                """{"cpus":[{"id":0,"core":0,"socket":0,"numa":0,"l3":0},{"id":1,"core":0,"socket":0,"numa":0,"l3":0}],"cpuset":"0-1","vcpus":1,"threadsPerCore":1,"isolateEmulatorThread":true,"ioThreads":1}"""
            )
        );
        yield return new(
            "state",
            ReadState,
            Texts(
                """{"version":1,"vms":[{"key":{"pid":12,"startTime":34},"initialMask":"0-3","vcpus":"0,1","emulator":"2"}],"threads":[{"tid":1,"startTime":2,"mask":"0-3","policy":1,"priority":1}]}""",
                """{"version":2,"at":"2026-11-30T22:49:27.8457295+00:00","kind":"AgentStarted","cause":"Agent","namespace":"","name":"","pid":0,"threads":[]}"""
                    + "\n",
                """{"version":1,"vms":[{"key":{"pid":12,"startTime":34},"pauseSeconds":60,"untilSeconds":1e9,"leftAlone":[{"tid":1,"startTime":2}]}]}"""
            )
        );
    }

    private static IEnumerable<FuzzTarget> OfTheKernel()
    {
        yield return new(
            "process connector",
            input => _ = ProcessConnector.TryParse(input, out _),
            [
                [.. Enumerable.Range(0, 128).Select(i => (byte)i)],
                Comm(),
            ]
        );
        yield return new(
            "BPF objects",
            input => _ = BpfObject.TryRead(input, out _),
            [ObjectOf("watch.bpf.o"), ObjectOf("prove.bpf.o")]
        );
        yield return new(
            "kernel types",
            input =>
            {
                if (KernelTypes.TryRead(input, out var types))
                {
                    _ = WatchLayout.Find(types);
                }
            },
            [Types()]
        );
    }

    private static void ReadState(byte[] input)
    {
        var folder = Directory.CreateTempSubdirectory("pinagent-fuzz-").FullName;
        try
        {
            foreach (
                var name in new[]
                {
                    "remembered.json",
                    "masks.json",
                    "contests.json",
                    "released.json",
                    "cpus.json",
                    "changes.jsonl",
                }
            )
            {
                File.WriteAllBytes($"{folder}/{name}", input);
            }

            var state = new AgentState(folder, isInCluster: true);
            state.SetAsideUnusable();
            _ = state.Decisions?.Load();
            _ = state.Cpus?.Load();
            _ = state.Contests.Load();
            _ = state.Released.Look();
            _ = state.Masks.Load();
            _ = state.History.Read();
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void Try(Action read)
    {
        try
        {
            read();
        }
        catch (JsonException)
        {
            // As it says.
        }
    }

    // A message of the process connector: the name of a thread.
    private static byte[] Comm()
    {
        var message = new byte[80];
        message[37] = 2;
        "CPU 0/KVM"u8.CopyTo(message.AsSpan(60));
        return message;
    }

    // BTF's header, and a structure with a member: include/uapi/linux/btf.h.
    private static byte[] Types()
    {
        uint[] words = [0x0001eb9f, 24, 0, 24, 24, 13, 1, 0x04000001, 8, 6, 1, 0];
        return [.. words.SelectMany(BitConverter.GetBytes), .. "\0task\0member\0"u8];
    }

    private static byte[][] Texts(params string[] texts) =>
        [.. texts.Select(Encoding.UTF8.GetBytes)];

    private static byte[] Arguments(string line) =>
        Encoding.UTF8.GetBytes(line.Replace(' ', '\0') + "\0");

    private static byte[][] Files(string folder) =>
        [
            .. Directory
                .GetFiles(Fixtures.PathOf(folder))
                .Order(StringComparer.Ordinal)
                .Select(File.ReadAllBytes),
        ];

    private static byte[] ObjectOf(string name) =>
        File.ReadAllBytes(
            Path.Combine(Fixtures.PathOf("."), "..", "..", "native-interop", "Bpf", name)
        );

    private static ListPodResourcesResponse Pods() =>
        new()
        {
            PodResources =
            {
                new Pod
                {
                    Name = "virt-launcher-vm1",
                    Namespace = "default",
                    Containers =
                    {
                        new Container { Name = "compute", CpuIds = { 2, 3, 10, 11 } },
                    },
                },
            },
        };
}
