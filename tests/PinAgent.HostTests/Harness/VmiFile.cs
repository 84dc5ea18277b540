namespace PinAgent.HostTests.Harness;

/// <summary>A VMI in a file of its own.</summary>
internal sealed class VmiFile : IDisposable
{
    public VmiFile(string yaml)
    {
        Path = System.IO.Path.GetTempFileName();
        File.WriteAllText(Path, yaml);
    }

    public string Path { get; }

    public void Dispose() => File.Delete(Path);
}
