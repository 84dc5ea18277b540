using System.Globalization;
using System.Text.RegularExpressions;
using PinAgent.HostTests.Cluster;
using PinAgent.HostTests.Harness;

namespace PinAgent.HostTests.Kubelet;

/// <summary>
/// A VMI and its Guaranteed pod with a real, paused QEMU, as KubeVirt makes them; the scheduler and the kubelet do the
/// rest.
/// </summary>
internal sealed partial class LauncherPod : IAsyncDisposable
{
    private const string Vmis = "/apis/kubevirt.io/v1/namespaces/default/virtualmachineinstances";

    private const string Pods = "/api/v1/namespaces/default/pods";

    private LauncherPod(string name, string podUid, int pid) =>
        (Name, PodUid, Pid) = (name, podUid, pid);

    /// <summary>The VMI's name.</summary>
    public string Name { get; }

    public string PodUid { get; }

    /// <summary>QEMU.</summary>
    public int Pid { get; }

    /// <summary>The CPUs that the kernel lets the container have: the cgroup's, not the checkpoint's.</summary>
    public string Cpuset => File.ReadAllText($"{Harness.Cpuset.FolderOf(Pid)}/cpuset.cpus").Trim();

    /// <summary>The masks of the vCPUs' threads, by the vCPUs' numbers.</summary>
    public IReadOnlyList<string> VcpuMasks()
    {
        var masks = Threads.Masks(Pid);
        return
        [
            .. masks
                .Select(mask =>
                    (
                        Name: VcpuName()
                            .Match(File.ReadAllText($"/proc/{Pid}/task/{mask.Key}/comm")),
                        mask.Value
                    )
                )
                .Where(thread => thread.Name.Success)
                .OrderBy(thread =>
                    int.Parse(thread.Name.Groups["number"].ValueSpan, CultureInfo.InvariantCulture)
                )
                .Select(thread => thread.Value),
        ];
    }

    /// <summary>Creates both and waits until QEMU has made its vCPUs.</summary>
    /// <param name="cpu">The VMI's <c>spec.domain.cpu</c>.</param>
    /// <param name="smp">The value of <c>-smp</c>, which starts with the number of vCPUs: as many CPUs has the pod.</param>
    public static async Task<LauncherPod> StartAsync(string cpu, string smp)
    {
        var name = $"vm-{Guid.NewGuid():N}";
        var vcpus = int.Parse(smp.Split(',')[0], CultureInfo.InvariantCulture);
        var vmi = await CreateAsync(
            Vmis,
            ControlPlane.Vmi(name, $"cpu: {{ {cpu} }}, memory: {{guest: 64Mi}}")
        );
        var podUid = await CreateAsync(
            Pods,
            $$$$"""
            apiVersion: v1
            kind: Pod
            metadata:
              name: virt-launcher-{{{{name}}}}
              namespace: default
              labels: {kubevirt.io: virt-launcher, kubevirt.io/created-by: "{{{{vmi}}}}"}
              ownerReferences:
                - {apiVersion: kubevirt.io/v1, kind: VirtualMachineInstance, name: "{{{{name}}}}", uid: "{{{{vmi}}}}", controller: true}
            spec:
              hostNetwork: true
              automountServiceAccountToken: false
              terminationGracePeriodSeconds: 1
              containers:
                - name: compute
                  image: localhost/vm:1
                  imagePullPolicy: Never
                  command: [qemu-system-x86_64, -accel, "tcg,thread=multi", -S, -smp, "{{{{smp}}}}", -m, "32", -name,
                    "guest=default_{{{{name}}}},debug-threads=on", -nodefaults, -display, none]
                  resources: {limits: {cpu: "{{{{vcpus}}}}", memory: 256Mi} }
            """
        );
        var pid = 0;
        await Until.HoldsAsync(
            () => Task.FromResult((pid = PidOf($"guest=default_{name},")) != 0),
            () => DescribeAsync(name)
        );
        var pod = new LauncherPod(name, podUid, pid);
        await Until.HoldsAsync(
            () => Task.FromResult(pod.VcpuMasks().Count == vcpus),
            () => DescribeAsync(name)
        );
        return pod;
    }

    /// <summary>Deletes the VMI and the pod and waits until they are gone.</summary>
    public async Task DeleteAsync()
    {
        await ClusterApi.DeleteAsync($"{Vmis}/{Name}");
        await ClusterApi.DeleteAsync($"{Pods}/virt-launcher-{Name}");
    }

    /// <summary>So that a test that fails leaves the next one the CPUs.</summary>
    public async ValueTask DisposeAsync() => await DeleteAsync();

    /// <summary>The notes of this pod's own events of a reason.</summary>
    public async Task<IReadOnlyList<string>> EventsAsync(string reason)
    {
        var list = await ClusterApi.GetAsync("/apis/events.k8s.io/v1/namespaces/default/events");
        return
        [
            .. list!["items"]!
                .AsArray()
                .Where(item =>
                    (string?)item!["regarding"]!["uid"] == PodUid
                    && (string?)item["reason"] == reason
                )
                .Select(item => (string)item!["note"]!),
        ];
    }

    private static async Task<string> CreateAsync(string path, string yaml) =>
        (string)(await ClusterApi.CreateAsync(path, yaml))["metadata"]!["uid"]!;

    private static async Task<string> DescribeAsync(string name) =>
        $"{name}: {(await ClusterApi.GetAsync($"{Pods}/virt-launcher-{name}"))?["status"]}";

    // The runtime's helpers have the container's command line for a moment: QEMU is who is called so.
    private static int PidOf(string argument)
    {
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (
                int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out var pid)
                && Read($"{folder}/comm") == "qemu-system-x86\n"
                && Read($"{folder}/cmdline").Contains(argument, StringComparison.Ordinal)
            )
            {
                return pid;
            }
        }

        return 0;
    }

    private static string Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (IOException)
        {
            // The process has ended.
            return "";
        }
    }

    [GeneratedRegex(@"^CPU (?<number>\d+)/TCG\n$", RegexOptions.NonBacktracking)]
    private static partial Regex VcpuName();
}
