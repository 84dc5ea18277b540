using Microsoft.Extensions.Hosting;
using PinAgent.NativeInterop;

namespace PinAgent.Observe.Events;

/// <summary>
/// Waits, on a thread of its own, for what the kernel tells, and hands it on to the loop. Where the kernel doesn't tell, the
/// loop finds it by looking.
/// </summary>
/// <param name="name">What it listens to, for the thread's name.</param>
internal abstract class KernelListener(string name) : IHostedService, IDisposable
{
    private Thread? _thread;
    private volatile Urgency _urgency;

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (Open())
        {
            _thread = new Thread(Listen) { Name = name, IsBackground = true };
            _thread.Start();
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken)
    {
        Interrupt();
        _thread?.Join();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Close();
        GC.SuppressFinalize(this);
    }

    /// <summary>How soon it gets a CPU, as <see cref="Model.Node.EventSource.Priority"/>.</summary>
    public string Priority =>
        _urgency switch
        {
            Urgency.RealTime => "FIFO 1",
            Urgency.Favoured => "nice -20",
            _ => "usual",
        };

    /// <summary>Opens what it listens to; false if it can't be had.</summary>
    protected abstract bool Open();

    /// <summary>Waits for one thing and hands it on.</summary>
    /// <returns><see cref="Errno.None"/>, or the error with which there is nothing more to hear.</returns>
    protected abstract Errno HandOn();

    /// <summary>It hears no more, though nobody has stopped it.</summary>
    protected virtual void Lost(Errno errno) { }

    /// <summary>Ends the wait, from another thread.</summary>
    protected abstract void Interrupt();

    /// <summary>Closes what was opened.</summary>
    protected abstract void Close();

    // It hands on and does nothing else; it must not wait behind the new threads that it tells of.
    private void Listen()
    {
        _urgency = SchedPriority.Raise();
        Errno errno;
        do
        {
            errno = HandOn();
        } while (errno == Errno.None);

        if (errno != Errno.ECANCELED)
        {
            Lost(errno);
        }
    }
}
