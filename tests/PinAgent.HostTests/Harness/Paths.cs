namespace PinAgent.HostTests.Harness;

/// <summary>Where the programs under test are.</summary>
internal static class Paths
{
    /// <summary>The agent: <c>PINAGENT_BIN</c>, or the one built beside these tests.</summary>
    public static string Agent { get; } =
        Environment.GetEnvironmentVariable("PINAGENT_BIN") ?? Built("PinAgent", "pinagent");

    public static string DummyVm { get; } =
        Environment.GetEnvironmentVariable("PINAGENT_DUMMY_VM")
        ?? Built("PinAgent.DummyVm", "PinAgent.DummyVm");

    /// <summary>A file of the repository, where these tests run in it.</summary>
    public static string InRepository(string path) =>
        Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "../../../..", path));

    // …/artifacts/bin/PinAgent.HostTests/<configuration>/ is where we are.
    private static string Built(string project, string program)
    {
        var here = new DirectoryInfo(AppContext.BaseDirectory.TrimEnd('/'));
        return Path.Combine(here.Parent!.Parent!.FullName, project, here.Name, program);
    }
}
