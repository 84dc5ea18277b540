using PinAgent.Observe.Files;

namespace PinAgent.Observe.Kubelet;

/// <summary>
/// The DRA driver for CPUs, <c>dra.cpu</c>: it registers with a socket in <c>plugins_registry</c> below the kubelet's
/// root, <c>dra.cpu-reg.sock</c>, with a pod's uid before <c>-reg</c> during a rolling update. Sources:
/// <c>github.com/kubernetes-sigs/dra-driver-cpu</c>, <c>pkg/driver/driver.go</c>; Kubernetes,
/// <c>k8s.io/dynamic-resource-allocation/kubeletplugin</c>.
/// </summary>
internal static class DraDriver
{
    private const string Name = "dra.cpu";
    private const string Registration = "-reg.sock";

    /// <summary>Where it's registered, for people; null if it isn't.</summary>
    /// <param name="kubeletRoot">The kubelet's root folder on that machine, without a slash at its end.</param>
    public static string? Find(HostFiles files, string kubeletRoot)
    {
        var folder = $"{kubeletRoot}/plugins_registry";
        var names = new List<string>();
        files.ListNames($"{folder}", names);
        return names.Find(IsRegistration) is { } socket
            ? $"{files.Display(folder)}/{socket}: a DRA driver for CPUs is registered with the kubelet"
            : null;
    }

    private static bool IsRegistration(string name) =>
        name == Name + Registration
        || (
            name.StartsWith($"{Name}-", StringComparison.Ordinal)
            && name.EndsWith(Registration, StringComparison.Ordinal)
        );
}
