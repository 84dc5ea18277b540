using PinAgent.Model.Vm;
using PinAgent.NativeInterop;
using PinAgent.NativeInterop.Files;
using PinAgent.Observe.Files;
using PinAgent.Observe.Proc;

namespace PinAgent.Apply.AtOnce;

/// <summary>
/// What it takes to pin a thread between two passes: one that has just got its name, or that somebody has moved. Nothing of it
/// allocates but <see cref="Open"/>.
/// </summary>
internal interface IPinKernel
{
    /// <summary>Holds a VM's process; null if it's gone.</summary>
    IHeldProcess? Open(VmKey vm);

    /// <summary>Reads a thread's mask.</summary>
    /// <param name="mask">Receives it; replaced by a longer array where it doesn't fit.</param>
    LinuxResult Get(int tid, ref ulong[] mask);

    /// <summary>Sets it.</summary>
    LinuxResult Set(int tid, ReadOnlySpan<ulong> mask);
}

/// <summary>A process by its open folder, which never becomes another's, whoever gets its id later.</summary>
internal interface IHeldProcess : IDisposable
{
    /// <summary>Whether it lives, and the thread is one of its.</summary>
    bool HasThread(int tid);
}

/// <summary>The running kernel.</summary>
/// <param name="files">The machine's files; used by the thread that calls <see cref="Open"/>.</param>
internal sealed class PinKernel(HostFiles files) : IPinKernel
{
    /// <inheritdoc/>
    public IHeldProcess? Open(VmKey vm)
    {
        if (!files.OpenProcess(vm.Pid, out var folder).IsSuccess)
        {
            return null;
        }

        // Now that it's held: whether it's the one that was meant.
        if (
            files.ReadOnePiece($"/proc/{vm.Pid}/stat", out var content).IsSuccess
            && ProcStat.TryParse(content, out var stat)
            && stat.StartTime == vm.StartTime
        )
        {
            return new HeldProcess(folder!);
        }

        folder!.Dispose();
        return null;
    }

    /// <inheritdoc/>
    public LinuxResult Get(int tid, ref ulong[] mask) => SchedAffinity.Get(tid, ref mask);

    /// <inheritdoc/>
    public LinuxResult Set(int tid, ReadOnlySpan<ulong> mask) => SchedAffinity.Set(tid, mask);

    private sealed class HeldProcess(ProcessFolder folder) : IHeldProcess
    {
        public bool HasThread(int tid) => folder.HasThread(tid);

        public void Dispose() => folder.Dispose();
    }
}
