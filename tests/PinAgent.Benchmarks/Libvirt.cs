using System.Diagnostics;
using System.Globalization;
using System.Text;
using PinAgent.Benchmarks.Harness;

namespace PinAgent.Benchmarks;

/// <summary>
/// Pinning the two vCPUs of a guest that libvirt runs: <c>virsh vcpupin</c>, which has to be told where, against the agent,
/// which finds out; each is a program that is started for it. And libvirt starting such a guest: with pins in its
/// definition, against without them and with the agent running. Libvirt is a user's own here (<c>qemu:///session</c>), with all its
/// files in a folder of ours.
/// </summary>
internal static class Libvirt
{
    private const string Nobody = "65534";

    // All CPUs there may be.
    private const string NamedGuest = $"{Bench.Guest}=0-1";

    private const string Pins =
        "<cputune><vcpupin vcpu='0' cpuset='0'/><vcpupin vcpu='1' cpuset='1'/></cputune>";

    // With pins, or without.
    private static readonly CompositeFormat Domain = CompositeFormat.Parse(
        $$"""
        <domain type='qemu'>
          <name>{{Bench.Guest}}</name>
          <memory unit='MiB'>32</memory>
          <vcpu>2</vcpu>
          {0}
          <os><type arch='x86_64'>hvm</type></os>
          <devices><emulator>/usr/bin/qemu-system-x86_64</emulator><memballoon model='none'/></devices>
        </domain>
        """
    );

    public static IEnumerable<Figure> Run(Bench bench)
    {
        const string What = "Two vCPUs pinned: pinagent run --once, against virsh vcpupin";
        const string Start =
            "Libvirt starts a guest of two vCPUs until both are pinned: by a running agent, against by its own <vcpupin>";
        if (!File.Exists("/usr/sbin/libvirtd") || !File.Exists("/usr/bin/virsh"))
        {
            yield return new(What, null, "not run: no libvirtd and virsh here");
            yield break;
        }

        var folder = Directory.CreateTempSubdirectory("pinagent-bench-").FullName;
        Child.Run("chown", Nobody, folder);
        using (Child.Start("setpriv", AsUser(folder, "libvirtd", "--config", "/dev/null")))
        {
            Wait.Until(() => File.Exists($"{folder}/libvirt/libvirt-sock"));
            yield return new(What, null, $"{Measure(bench, folder)}");
            yield return new(Start, null, $"{MeasureStart(bench, folder)}");
        }

        Directory.Delete(folder, recursive: true);
    }

    private static Pairs Measure(Bench bench, string folder)
    {
        Create(folder, "");
        var pid = PidIn(folder);
        var threads = Qemu.ThreadsOf(pid).ToList();
        var vcpus = VcpusOf(pid);
        var pairs = new Pairs();
        for (var i = 0; i < bench.Rounds; i++)
        {
            pairs.Add(
                Time(() => Virsh(folder, $"vcpupin {Bench.Guest} 0 0; vcpupin {Bench.Guest} 1 1")),
                Time(() =>
                    Child.Run(
                        bench.Agent,
                        "run",
                        "--standalone",
                        "--once",
                        "--vm",
                        NamedGuest,
                        "--state-dir",
                        folder
                    )
                )
            );
        }

        Virsh(folder, "destroy", Bench.Guest);
        return pairs;

        double Time(Action pin)
        {
            threads.ForEach(tid => Mask.Set(tid, 3));
            var began = Stopwatch.GetTimestamp();
            pin();
            var took = Stopwatch.GetElapsedTime(began).TotalMilliseconds;
            return vcpus.Select(Mask.Of).SequenceEqual([1UL, 2UL])
                ? took
                : throw new InvalidOperationException("the vCPUs: expected to be on CPUs 0 and 1");
        }
    }

    private static Pairs MeasureStart(Bench bench, string folder)
    {
        var pairs = new Pairs();
        for (var i = 0; i < bench.Rounds; i++)
        {
            var theirs = TimeToStart(folder, Pins);
            using var agent = new RunningAgent(bench, "--vm", NamedGuest);
            pairs.Add(theirs, TimeToStart(folder, ""));
        }

        return pairs;
    }

    private static double TimeToStart(string folder, string pins)
    {
        var began = Stopwatch.GetTimestamp();
        Create(folder, pins);
        var vcpus = VcpusOf(PidIn(folder));
        Wait.Until(() => vcpus.Select(Mask.Of).SequenceEqual([1UL, 2UL]));
        var took = Stopwatch.GetElapsedTime(began).TotalMilliseconds;
        Virsh(folder, "destroy", Bench.Guest);
        return took;
    }

    private static void Create(string folder, string pins)
    {
        var definition = $"{folder}/guest.xml";
        File.WriteAllText(definition, string.Format(CultureInfo.InvariantCulture, Domain, pins));
        Virsh(folder, "create", "--paused", definition);
    }

    private static int PidIn(string folder) =>
        int.Parse(
            File.ReadAllText($"{folder}/libvirt/qemu/run/{Bench.Guest}.pid"),
            CultureInfo.InvariantCulture
        );

    private static List<int> VcpusOf(int pid) =>
        [.. Qemu.ThreadsOf(pid).Where(tid => Qemu.NameOf(pid, tid).StartsWith("CPU "))];

    private static void Virsh(string folder, params string[] arguments) =>
        Child.Run(
            "setpriv",
            AsUser(folder, ["virsh", "-q", "-c", "qemu:///session", .. arguments])
        );

    private static string[] AsUser(string folder, params string[] command) =>
        [
            .. (string[])[$"--reuid={Nobody}", $"--regid={Nobody}", "--clear-groups"],
            .. (string[])["env", $"HOME={folder}", $"XDG_RUNTIME_DIR={folder}"],
            .. (string[])[$"XDG_CONFIG_HOME={folder}", $"XDG_CACHE_HOME={folder}"],
            $"LIBVIRT_LOG_OUTPUTS=3:file:{folder}/log",
            .. command,
        ];
}
