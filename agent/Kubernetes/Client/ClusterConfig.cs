using k8s;
using PinAgent.Model.Text;
using PinAgent.NativeInterop.Files;

namespace PinAgent.Kubernetes.Client;

/// <summary>Where the API server is, and who we are there: KubernetesClient's own search and formats.</summary>
internal static class ClusterConfig
{
    private const string ServiceAccount = "/var/run/secrets/kubernetes.io/serviceaccount";
    private const int LargestFile = 1024 * 1024;

    private const string KubeConfigVariable = "KUBECONFIG";

    /// <summary>Whether there is a configuration, readable or not.</summary>
    /// <param name="kubeConfig">The file given with <c>--kubeconfig</c>; null for none.</param>
    public static bool IsThere(string? kubeConfig) => Find(kubeConfig) is not null;

    /// <summary>
    /// Reads the configuration: the file given, else those of <c>KUBECONFIG</c>, else the pod's service account, else
    /// <c>~/.kube/config</c>.
    /// </summary>
    /// <param name="kubeConfig">The file given with <c>--kubeconfig</c>; null for none.</param>
    /// <exception cref="InvalidDataException">There is none, or it can't be read.</exception>
    public static KubernetesClientConfiguration Load(string? kubeConfig)
    {
        var variable = Environment.GetEnvironmentVariable(KubeConfigVariable);
        var where =
            Find(kubeConfig)
            ?? throw new InvalidDataException(
                "no cluster: expected --kubeconfig, KUBECONFIG, a pod's service account or ~/.kube/config, found none; "
                    + "--standalone needs no cluster"
            );
        try
        {
            CheckFiles(kubeConfig);
            return kubeConfig is not null
                    ? KubernetesClientConfiguration.BuildConfigFromConfigFile(kubeConfig)
                : string.IsNullOrEmpty(variable) && KubernetesClientConfiguration.IsInCluster()
                    ? KubernetesClientConfiguration.InClusterConfig()
                : KubernetesClientConfiguration.BuildDefaultConfig();
        }
        catch (Exception problem) when (problem is not OperationCanceledException)
        {
            // Whatever is wrong with YAML, base64, certificates or an exec plugin comes as an exception of its own kind.
            throw new InvalidDataException(
                $"{where}: expected a kubeconfig with a server and a user: {FileProblem.DescribeWithPath(problem.GetBaseException())}",
                problem
            );
        }
    }

    // The client reads them whole. They may be links, as Kubernetes mounts them; what never ends is refused here.
    private static void CheckFiles(string? kubeConfig)
    {
        string[] files =
            kubeConfig is not null ? [kubeConfig]
            : KubernetesClientConfiguration.IsInCluster()
                ? [$"{ServiceAccount}/token", $"{ServiceAccount}/ca.crt"]
            : [];
        foreach (var file in files.Where(File.Exists))
        {
            _ = OwnFile.ReadText(file, LargestFile);
        }
    }

    private static string? Find(string? kubeConfig) =>
        kubeConfig is not null ? $"--kubeconfig {kubeConfig}"
        : Environment.GetEnvironmentVariable(KubeConfigVariable) is { Length: > 0 } variable
            ? $"{KubeConfigVariable}={variable}"
        : KubernetesClientConfiguration.IsInCluster() ? "the pod's service account"
        : File.Exists(KubernetesClientConfiguration.KubeConfigDefaultLocation)
            ? KubernetesClientConfiguration.KubeConfigDefaultLocation
        : null;
}
