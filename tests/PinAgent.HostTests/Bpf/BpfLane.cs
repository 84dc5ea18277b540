using System.Diagnostics;
using System.Runtime.InteropServices;
using PinAgent.HostTests.Harness;
using PinAgent.NativeInterop;
using PinAgent.NativeInterop.Bpf;
using Xunit;

namespace PinAgent.HostTests.Bpf;

/// <summary>
/// The event source in this machine's kernel. tracefs is where the machine has it, or mounted for the tests in a folder of
/// their own.
/// </summary>
internal sealed partial class BpfLane : IDisposable
{
    private const int Detach = 2;
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(60);

    private readonly TemporaryFolder _folder;
    private readonly string? _mounted;

    private BpfLane(
        ThreadChangeWatch? watch,
        string traceFolder,
        bool isMounted,
        TemporaryFolder folder
    )
    {
        _folder = folder;
        _mounted = isMounted ? traceFolder : null;
        TraceFolder = traceFolder;
        Watch = watch!;
    }

    /// <summary>Where tracefs is.</summary>
    public string TraceFolder { get; }

    /// <summary>What listens.</summary>
    public ThreadChangeWatch Watch { get; }

    /// <summary>Begins to listen; without the rights for it the test is skipped.</summary>
    public static BpfLane Open(MaskHook masks, int? ownPid = null)
    {
        Assert.SkipUnless(
            Environment.UserName == "root",
            "needs root, to load programs into the kernel"
        );
        var folder = new TemporaryFolder();
        var own = "/sys/kernel/tracing";
        var isMounted = !Directory.Exists($"{own}/events");
        if (isMounted)
        {
            own = folder.Path;
            Assert.SkipUnless(
                Mount("tracefs", own, "tracefs", 0, 0) == 0,
                "needs tracefs, which can't be mounted here"
            );
        }

        var why = ThreadChangeWatch.TryOpen(
            new(masks, Names: true, Moves: true, ownPid ?? Environment.ProcessId, [own]),
            out var watch
        );
        var lane = new BpfLane(watch, own, isMounted, folder);
        if (watch is null || watch.Masks != masks)
        {
            lane.Dispose();
            Assert.Skip($"needs a kernel with BPF and this hook: {why ?? watch!.Missing}");
        }

        return lane;
    }

    /// <summary>The next change of the kind, of these numbers or of any. Others are passed over.</summary>
    public ThreadChange Next(ThreadChangeKind kind, params int[] numbers)
    {
        var change = new ThreadChange();
        var since = Stopwatch.GetTimestamp();
        do
        {
            Assert.Equal(
                Errno.None,
                Watch.Next(change, s_longest - Stopwatch.GetElapsedTime(since)).Errno
            );
        } while (change.Kind != kind || (numbers.Length > 0 && !numbers.Contains(change.Number)));

        return change;
    }

    /// <summary>What has happened until now, of this kind.</summary>
    public List<(int Number, int ByPid)> Waiting(ThreadChangeKind kind)
    {
        var found = new List<(int, int)>();
        var change = new ThreadChange();
        while (Watch.Next(change, TimeSpan.Zero).IsSuccess)
        {
            if (change.Kind == kind)
            {
                found.Add((change.Number, change.ByPid));
            }
        }

        return found;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Watch?.Dispose();
        if (_mounted is not null)
        {
            // Gone from the folder whoever still has a file of it open: what is deleted next isn't tracefs.
            _ = Unmount(_mounted, Detach);
        }

        _folder.Dispose();
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
