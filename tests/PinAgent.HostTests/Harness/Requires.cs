using Xunit;

namespace PinAgent.HostTests.Harness;

/// <summary>What a test needs of the machine; without it the test is skipped, with the reason.</summary>
internal static class Requires
{
    /// <summary>Root, QEMU, a cpuset hierarchy, and so many CPUs.</summary>
    public static void RealGuests(int cpus)
    {
        Assert.SkipUnless(
            Environment.UserName == "root",
            "needs root, to make cpusets and pin threads"
        );
        Assert.SkipUnless(
            Has("qemu-system-x86_64"),
            "needs qemu-system-x86_64 (Debian: qemu-system-x86)"
        );
        Assert.SkipUnless(
            Cpuset.IsAvailable,
            "needs a cpuset hierarchy, v1 or v2, that root may write"
        );
        Assert.SkipUnless(
            Environment.ProcessorCount >= cpus,
            $"needs {cpus} CPUs, this machine has {Environment.ProcessorCount}"
        );
    }

    /// <summary>A program on the path.</summary>
    public static void Program(string name) => Assert.SkipUnless(Has(name), $"needs {name}");

    /// <summary>Whether a program is on the path.</summary>
    public static bool Has(string name) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(':')
            .Any(folder => File.Exists(Path.Combine(folder, name)));

    /// <summary>Real guests, and a kernel that tells of their threads.</summary>
    public static void Events(int cpus)
    {
        RealGuests(cpus);
        Assert.SkipUnless(
            Environment.IsPrivilegedProcess && File.Exists("/proc/net/connector"),
            "needs root in the host's network namespace, and a kernel with the process connector"
        );
    }
}
