using System.Globalization;
using System.Net.Sockets;
using System.Text;
using CliWrap;

namespace PinAgent.HostTests.Harness;

/// <summary>
/// A real QEMU guest, paused as libvirt starts it (<c>-S</c>), without disk or kernel. Its monitor is the judge of
/// which thread is which.
/// </summary>
internal sealed class Guest : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly CommandTask<CommandResult> _run;
    private readonly string _folder;

    private Guest(
        string name,
        CommandTask<CommandResult> run,
        CancellationTokenSource stop,
        string folder
    )
    {
        (Name, _run, _stop, _folder) = (name, run, stop, folder);
    }

    /// <summary>KVM where it opens, whose threads are named <c>CPU 0/KVM</c>; TCG elsewhere.</summary>
    public static string Accelerator { get; } = HasKvm() ? "kvm" : "tcg,thread=multi";

    public string Name { get; }

    public int Pid => _run.ProcessId;

    public Qmp Monitor { get; private set; } = null!;

    /// <summary>Starts a guest and waits until its machine is complete.</summary>
    /// <param name="name">The guest's name.</param>
    /// <param name="smp">The value of <c>-smp</c>; null to leave it out.</param>
    /// <param name="cpuset">The cgroup to start it in; null for the test's own.</param>
    /// <param name="ioThreads">How many I/O threads, called as libvirt calls them.</param>
    /// <param name="debugThreads">Whether QEMU names its threads.</param>
    /// <param name="accelerator">The value of <c>-accel</c>.</param>
    /// <param name="uid">The user QEMU runs as; null for root.</param>
    /// <param name="program">QEMU, by whatever name.</param>
    /// <param name="nameOptions">What else <c>-name</c> says.</param>
    /// <param name="more">More arguments.</param>
    /// <param name="bornOn">The CPUs it's started on, as libvirt starts it on the emulator's; null for all of its cpuset.</param>
    public static async Task<Guest> StartAsync(
        string name,
        string? smp,
        Cpuset? cpuset,
        int ioThreads = 0,
        bool debugThreads = true,
        string accelerator = "tcg,thread=multi",
        int? uid = null,
        string? bornOn = null,
        string program = "qemu-system-x86_64",
        string nameOptions = "",
        params string[] more
    )
    {
        var folder = Directory.CreateTempSubdirectory("pinagent-test-").FullName;
        using var listener = new Socket(
            AddressFamily.Unix,
            SocketType.Stream,
            ProtocolType.Unspecified
        );
        listener.Bind(new UnixDomainSocketEndPoint($"{folder}/qmp.sock"));
        listener.Listen();
        File.SetUnixFileMode(folder, (UnixFileMode)0b111_111_111);
        File.SetUnixFileMode($"{folder}/qmp.sock", (UnixFileMode)0b111_111_111);

        var stop = new CancellationTokenSource();
        string[] arguments =
        [
            "-c",
            (cpuset is null ? "" : $"echo $$ > {cpuset.Folder}/cgroup.procs && ")
                + "exec "
                + (bornOn is null ? "" : $"taskset -c {bornOn} ")
                + (uid is null ? "" : $"setpriv --reuid={uid} --regid={uid} --clear-groups ")
                + $"{program} \"$@\"",
            "sh",
            "-accel",
            accelerator,
            "-S",
            "-m",
            "32",
            .. smp is null ? (string[])[] : ["-smp", smp],
            "-name",
            $"guest={name.Replace(",", ",,", StringComparison.Ordinal)},debug-threads={(debugThreads ? "on" : "off")}{nameOptions}",
            "-nodefaults",
            "-display",
            "none",
            "-qmp",
            $"unix:{folder}/qmp.sock",
            .. Enumerable
                .Range(1, ioThreads)
                .SelectMany(i => new[] { "-object", $"iothread,id=iothread{i}" }),
            .. more,
        ];
        var errors = new StringBuilder();
        var run = Cli.Wrap("/bin/sh")
            .WithArguments(arguments)
            .WithStandardErrorPipe(PipeTarget.ToStringBuilder(errors))
            .WithValidation(CommandResultValidation.None)
            .ExecuteAsync(stop.Token);
        var guest = new Guest(name, run, stop, folder);
        try
        {
            // QEMU connects to us; it answers once its machine is complete.
            var connecting = listener
                .AcceptAsync(Xunit.TestContext.Current.CancellationToken)
                .AsTask();
            if (await Task.WhenAny(connecting, run.Task) != connecting)
            {
                throw new InvalidOperationException(
                    $"QEMU ended with {(await run).ExitCode} before it was complete: {errors}"
                );
            }

            guest.Monitor = await Qmp.ConnectAsync(await connecting);
            return guest;
        }
        catch
        {
            await guest.DisposeAsync();
            throw;
        }
    }

    /// <summary>The CPUs each thread may run on, read from outside the agent.</summary>
    public IReadOnlyDictionary<int, string> Masks() => Threads.Masks(Pid);

    private static bool HasKvm()
    {
        try
        {
            using var _ = File.OpenHandle("/dev/kvm", access: FileAccess.ReadWrite);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Ends QEMU at once.</summary>
    public async Task KillAsync()
    {
        await _stop.CancelAsync();
        try
        {
            await _run;
        }
        catch (OperationCanceledException)
        {
            // As asked.
        }
    }

    public async ValueTask DisposeAsync()
    {
        Monitor?.Dispose();
        await KillAsync();
        _stop.Dispose();
        _run.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}

/// <summary>The threads of a process, by <c>/proc</c>.</summary>
internal static class Threads
{
    /// <summary>The CPUs each thread may run on.</summary>
    public static IReadOnlyDictionary<int, string> Masks(int pid) =>
        Directory
            .EnumerateDirectories($"/proc/{pid}/task")
            .ToDictionary(
                folder => int.Parse(Path.GetFileName(folder), CultureInfo.InvariantCulture),
                Mask
            );

    /// <summary>The CPUs a thread may run on.</summary>
    public static string Mask(int pid, int tid) => Mask($"/proc/{pid}/task/{tid}");

    /// <summary>The CPUs that the thread of this folder may run on.</summary>
    public static string Mask(string folder) =>
        File.ReadLines($"{folder}/status")
            .First(line => line.StartsWith("Cpus_allowed_list:", StringComparison.Ordinal))
            .Split('\t')[1];

    /// <summary>Sets the CPUs a thread may run on, as somebody does by hand.</summary>
    public static Task TasksetAsync(int tid, string cpus) =>
        Cli.Wrap("taskset").WithArguments(["-pc", cpus, $"{tid}"]).ExecuteAsync().Task;
}
