namespace PinAgent.HostTests;

/// <summary>Where the programs under test are.</summary>
internal static class Paths
{
    /// <summary>The agent: <c>PINAGENT_BIN</c>, or the one built beside these tests.</summary>
    public static string Agent { get; } =
        Environment.GetEnvironmentVariable("PINAGENT_BIN") ?? Built("PinAgent", "pinagent");

    public static string DummyVm { get; } =
        Environment.GetEnvironmentVariable("PINAGENT_DUMMY_VM")
        ?? Built("PinAgent.DummyVm", "PinAgent.DummyVm");

    /// <summary>The repository, for files that the tests read.</summary>
    public static string Repository { get; } =
        new DirectoryInfo(AppContext.BaseDirectory.TrimEnd('/'))
            .Parent!
            .Parent!
            .Parent!
            .Parent!
            .FullName;

    // …/artifacts/bin/PinAgent.HostTests/<configuration>/ is where we are.
    private static string Built(string project, string program)
    {
        var here = new DirectoryInfo(AppContext.BaseDirectory.TrimEnd('/'));
        return Path.Combine(here.Parent!.Parent!.FullName, project, here.Name, program);
    }
}
