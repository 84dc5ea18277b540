using PinAgent.Model.Vm;
using PinAgent.NativeInterop;
using PinAgent.Observe.Files;
using PinAgent.Observe.Proc;
using PinAgent.Observe.Qemu.CommandLine;
using PinAgent.Observe.Qemu.ConfigFile;

namespace PinAgent.Observe.Qemu;

/// <summary>
/// Reads one process: whether it's a QEMU that runs a guest, and what it's made of. Of a process that is none, little more
/// than its name is read, however much it has.
/// </summary>
/// <param name="kernelThreads">Collects the kernel's own threads.</param>
internal sealed class QemuProcess(HostFiles files, QemuThreads threads, KernelThreads kernelThreads)
{
    private readonly ConfigFiles _configFiles = new(files);
    private readonly QemuEvidence _evidence = new(files);

    /// <summary>Whether a process may be a QEMU, by its names and options. Collects the kernel's threads by the way.</summary>
    /// <param name="startTime">When it started; 0 if that couldn't be read, and for the kernel's own.</param>
    /// <param name="reading">No answer where something couldn't be read.</param>
    public bool IsCandidate(int pid, out ulong startTime, out ProcessReading reading)
    {
        startTime = 0;
        try
        {
            return IsCandidate(pid, out startTime, out _, out reading);
        }
        catch (Exception fault) when (fault is not OutOfMemoryException)
        {
            reading = ProcessReading.Mistaken(pid, fault);
            return false;
        }
    }

    /// <summary>Reads a VM.</summary>
    /// <param name="uptime">How long the machine has run, in seconds.</param>
    /// <param name="room">How many threads may be kept.</param>
    /// <param name="known">The VM as it was, of which only new and renamed threads are to be read; null to read all.</param>
    /// <param name="renamed">The threads that have named themselves; null to read all.</param>
    public ProcessReading Read(
        int pid,
        double? uptime,
        int room,
        ObservedVm? known = null,
        HashSet<int>? renamed = null
    )
    {
        try
        {
            return ReadVm(pid, uptime, room, known, renamed);
        }
        catch (Exception fault) when (fault is not OutOfMemoryException)
        {
            return ProcessReading.Mistaken(pid, fault) with { StartTime = known?.Key.StartTime };
        }
    }

    private ProcessReading ReadVm(
        int pid,
        double? uptime,
        int room,
        ObservedVm? known,
        HashSet<int>? renamed
    )
    {
        if (!IsCandidate(pid, out var startTime, out var isQemu, out var reading))
        {
            return reading;
        }

        if (
            ReadCommandLine(pid, Bounds.CommandLine, out var arguments, out var isWhole) is
            { } failed
        )
        {
            return failed with { StartTime = startTime };
        }

        var commandLine = QemuCommandLine.Parse(arguments, isWhole);
        if (commandLine.HasNoMachine)
        {
            return ProcessReading.Gone;
        }

        var key = new VmKey(pid, startTime);
        known = known?.Key == key ? known : null;
        var unread = threads.Read(key, commandLine.Guest, room, known, renamed, out var found);
        if (unread is { } incomplete)
        {
            return incomplete with { StartTime = startTime };
        }

        if (found.IsEmpty)
        {
            return ProcessReading.Gone;
        }

        if (
            !found.HasNamedVcpus
            && !_evidence.IsQemu(pid, isQemu, found.Threads.Count, out var lacking)
        )
        {
            return lacking == Errno.None
                ? ProcessReading.Gone
                : ProcessReading.Failed(lacking, files.Display($"/proc/{pid}/fd")) with
                {
                    StartTime = startTime,
                };
        }

        // Nothing of that is read for what only has the arguments of a QEMU.
        string? note = null;
        if (!commandLine.ConfigFiles.IsEmpty)
        {
            commandLine = _configFiles.Complete(key, commandLine, out note);
            if (commandLine.HasNoMachine)
            {
                return ProcessReading.Gone;
            }

            if (
                found.LacksNamed
                && threads.Read(key, commandLine.Guest, room, known, renamed, out found)
                    is { } again
            )
            {
                return again with { StartTime = startTime };
            }
        }

        var problem = commandLine.Problem is { } text
            ? Standing.Unclear(Reason.Unreadable, text)
            : threads.FindVcpus(key, commandLine.Guest, found);
        var vcpus = found.CountVcpus();
        // Before the first vCPU exists no thread has its name yet.
        if (
            (
                problem is null
                || (problem.Reason == Reason.ThreadsUnnamed && commandLine.NamesThreads)
            )
            && vcpus < commandLine.Guest.BootVcpus
            && ProcessList.IsStarting(startTime, uptime)
        )
        {
            problem = Standing.Unclear(
                Reason.VcpuThreadsStarting,
                $"QEMU has just started: {vcpus} of {commandLine.Guest.BootVcpus} vCPU threads exist"
            );
        }

        // The vCPUs of one that exits are gone before it is.
        if ((problem is not null || vcpus < commandLine.Guest.BootVcpus) && HasEnded(pid))
        {
            return ProcessReading.Gone;
        }

        if (problem is { Reason: not Reason.VcpuThreadsStarting })
        {
            found.KeepFirst(Bounds.UnclearThreads);
        }

        return ProcessReading.Found(
            new ObservedVm
            {
                Key = key,
                GuestName = commandLine.GuestName,
                IsOfRoot = IsOfRoot(pid),
                Guest =
                    note is null || commandLine.SaysCpus
                        ? commandLine.Guest
                        : GuestCpus.OfUnknown(vcpus),
                GuestNote = note,
                ExpectedIoThreads = commandLine.IoThreads.All,
                IoThreadNote = commandLine.IoThreads.Note(found.CountIoThreads()),
                Threads = found.ToVmThreads(),
                ThreadsLeftOut = found.LeftOut,
                CommandLineIsCut = commandLine.IsCut,
                Problem = problem,
            }
        );
    }

    /// <summary>Forgets the VMs that are no longer there.</summary>
    public void Forget(IReadOnlySet<VmKey> alive)
    {
        threads.Forget(alive);
        _configFiles.Forget(alive);
    }

    private bool HasEnded(int pid) =>
        files.ReadOnePiece($"/proc/{pid}/stat", out var content).IsSuccess
        && ProcStat.TryParse(content, out var stat)
        && stat.HasEnded;

    private bool IsOfRoot(int pid) =>
        files.ReadOnePiece($"/proc/{pid}/status", out var status).IsSuccess
        && ProcStatus.IsOfRoot(status);

    private bool IsCandidate(
        int pid,
        out ulong startTime,
        out bool isQemu,
        out ProcessReading reading
    )
    {
        (startTime, isQemu) = (0, false);
        var result = files.ReadOnePiece($"/proc/{pid}/stat", out var content);
        if (!result.IsSuccess)
        {
            reading = ProcessReading.Failed(result.Errno, files.Display($"/proc/{pid}/stat"));
            return false;
        }

        reading = ProcessReading.Gone;
        if (!ProcStat.TryParse(content, out var stat))
        {
            return false;
        }

        if (stat.IsKernelThread)
        {
            kernelThreads.Collect(pid, stat, ProcStatScheduling.TryParse(content));
            return false;
        }

        startTime = stat.StartTime;
        isQemu = QemuCommandLine.IsQemuName(stat.Name);
        if (
            ReadCommandLine(pid, Bounds.Introduction, out var arguments, out var isWhole) is
            { } failed
        )
        {
            reading = failed with { StartTime = startTime };
            return false;
        }

        if (arguments.IsEmpty)
        {
            // Gone, or a zombie.
            return false;
        }

        isQemu |= QemuCommandLine.IsQemuName(QemuCommandLine.Program(arguments));
        if (isQemu || isWhole)
        {
            return isQemu || QemuCommandLine.HasQemuOptions(arguments);
        }

        if (!QemuCommandLine.MayHaveQemuOptions(arguments))
        {
            return false;
        }

        if (ReadCommandLine(pid, Bounds.CommandLine, out arguments, out _) is { } cut)
        {
            reading = cut with { StartTime = startTime };
            return false;
        }

        return QemuCommandLine.HasQemuOptions(arguments);
    }

    private ProcessReading? ReadCommandLine(
        int pid,
        int limit,
        out ReadOnlySpan<byte> arguments,
        out bool isWhole
    )
    {
        var result = files.ReadPrefix($"/proc/{pid}/cmdline", limit, out arguments, out isWhole);
        return result.IsSuccess
            ? null
            : ProcessReading.Failed(result.Errno, files.Display($"/proc/{pid}/cmdline"));
    }
}
