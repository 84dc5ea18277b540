using System.Runtime.InteropServices;
using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Bpf;

/// <summary>tracefs: where the machine has it, or mounted for the tests in a folder of their own.</summary>
internal sealed partial class TraceMount : IDisposable
{
    private const string Usual = "/sys/kernel/tracing";
    private const int Detach = 2;

    private readonly TemporaryFolder? _folder;

    private TraceMount(TemporaryFolder? folder) => _folder = folder;

    /// <summary>Where it is.</summary>
    public string Path => _folder?.Path ?? Usual;

    /// <summary>Finds or mounts it; without the right to the test is skipped.</summary>
    public static TraceMount Require()
    {
        Assert.SkipUnless(
            Environment.UserName == "root",
            "needs root, to load programs into the kernel"
        );
        if (Directory.Exists($"{Usual}/events"))
        {
            return new(null);
        }

        var folder = new TemporaryFolder();
        if (Mount("tracefs", folder.Path, "tracefs", 0, 0) != 0)
        {
            folder.Dispose();
            Assert.Skip("needs tracefs, which can't be mounted here");
        }

        return new(folder);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_folder is not null)
        {
            // Gone from the folder whoever still has a file of it open: what is deleted next isn't tracefs.
            _ = Unmount(_folder.Path, Detach);
            _folder.Dispose();
        }
    }

    [LibraryImport("libc", EntryPoint = "mount", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Mount(
        string source,
        string target,
        string type,
        nuint flags,
        nint data
    );

    [LibraryImport("libc", EntryPoint = "umount2", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Unmount(string target, int flags);
}
