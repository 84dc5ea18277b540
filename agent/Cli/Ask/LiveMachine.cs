using System.Collections.Immutable;
using System.CommandLine;
using PinAgent.Cli.Options;
using PinAgent.Observe;
using PinAgent.Observe.Files;
using PinAgent.Observe.Qemu;

namespace PinAgent.Cli.Ask;

/// <summary>The machine whose threads a command measures or changes, and the VMs on it: only a live one will do.</summary>
internal sealed class LiveMachine : IDisposable
{
    private LiveMachine(ParseResult parsed)
    {
        Files = new HostFiles(CommonOptions.HostRoot.Get(parsed));
        Observer = new NodeObserver(
            Files,
            new LiveAffinityReader(),
            CommonOptions.KubeletRootOf(parsed),
            podCgroup: CommonOptions.PodCgroup.Get(parsed)
        );
    }

    /// <summary>The machine's files.</summary>
    public HostFiles Files { get; }

    /// <summary>Looks at the machine.</summary>
    public NodeObserver Observer { get; }

    /// <summary>Whether an agent runs here and answers.</summary>
    public bool HasAgent { get; private set; }

    /// <summary>Why an agent that may run here can't be asked; null if it can, or none runs.</summary>
    public string? Unasked { get; private set; }

    /// <summary>The VMs that run here.</summary>
    public ImmutableArray<NamedVm> Vms { get; private set; }

    /// <summary>Opens the machine that the options name, and asks its agent.</summary>
    /// <exception cref="InvalidDataException">It's only files, or can't be read; the message says so.</exception>
    public static async Task<LiveMachine> OpenAsync(ParseResult parsed, CancellationToken stop)
    {
        var machine = new LiveMachine(parsed);
        try
        {
            if (!machine.Files.HasLiveProc())
            {
                throw new InvalidDataException(
                    $"{machine.Files.Display("/proc")} isn't a live procfs of this PID namespace: call it where the agent runs"
                );
            }

            var agent = await DoctorCommand.AskAgentAsync(EndpointOptions.Socket.Get(parsed), stop);
            machine.HasAgent = agent.Status is not null;
            machine.Unasked = agent.IsDenied ? agent.Problem : null;
            machine.Vms = NamedVm.All(agent.Status, machine.Observer);
            return machine;
        }
        catch
        {
            machine.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Observer.Dispose();
        Files.Dispose();
    }
}
