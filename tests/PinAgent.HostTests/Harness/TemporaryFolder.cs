namespace PinAgent.HostTests.Harness;

/// <summary>A folder that goes with the test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    /// <summary>The folder.</summary>
    public string Path { get; } = Directory.CreateTempSubdirectory("pinagent-test-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
