namespace PinAgent.Tests.Observe.Kubelet;

/// <summary>A kubelet's root folder, with a short name: a socket's path has at most 107 bytes.</summary>
internal sealed class KubeletFolder : IDisposable
{
    public KubeletFolder()
    {
        Path = Directory.CreateTempSubdirectory("kubelet-").FullName;
        Directory.CreateDirectory($"{Path}/pod-resources");
    }

    public string Path { get; }

    public string Socket => $"{Path}/pod-resources/kubelet.sock";

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
