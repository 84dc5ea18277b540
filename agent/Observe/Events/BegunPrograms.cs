using PinAgent.Model;
using PinAgent.Observe.Files;
using PinAgent.Observe.Qemu.CommandLine;

namespace PinAgent.Observe.Events;

/// <summary>
/// Which of the processes that begin a program is a QEMU: what is known of it before its first thread has a name lets that
/// thread be pinned at once. Every process of the machine tells, so that it's heard as long as it costs next to nothing.
/// </summary>
/// <param name="files">The machine's files, for this alone.</param>
internal sealed class BegunPrograms(HostFiles files)
{
    /// <summary>A system that boots, or a pod that starts, begins many at once; probes and cron jobs, some a second.</summary>
    public static readonly Bucket Share = new(Burst: 256, PerSecond: 20);

    /// <summary>How long none is heard after there were more.</summary>
    public static readonly TimeSpan DeafFor = TimeSpan.FromSeconds(10);

    private TimeSpan _fullAt;
    private TimeSpan _deafUntil;

    /// <summary>How long none is heard; zero or less if they are.</summary>
    public TimeSpan DeafLeft(TimeSpan now) => _deafUntil - now;

    /// <summary>Whether a process that has begun a program is a QEMU.</summary>
    public bool IsQemu(int pid, TimeSpan now)
    {
        if (!Share.HasOne(_fullAt, now))
        {
            _deafUntil = now + DeafFor;
            return false;
        }

        _fullAt = Share.After(_fullAt, now);
        return files.Read($"/proc/{pid}/comm", out var content).IsSuccess
            && content.TrimEnd((byte)'\n') is var name
            && (QemuCommandLine.IsQemuName(name) || name.SequenceEqual("kvm"u8));
    }
}
