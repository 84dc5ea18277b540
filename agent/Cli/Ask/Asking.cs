using System.CommandLine;
using PinAgent.Cli.Options;
using PinAgent.Cli.Terminal;

namespace PinAgent.Cli.Ask;

/// <summary>What a command does that asks the running agent and may stay until Ctrl-C.</summary>
internal static class Asking
{
    /// <summary>Does it: with a sentence where no agent answers, and fine where Ctrl-C ends it.</summary>
    /// <param name="stop">Cancelled by Ctrl-C.</param>
    public static async Task<int> RunAsync(
        ParseResult parsed,
        Func<StatusClient, Task<int>> ask,
        CancellationToken stop
    )
    {
        using var client = new StatusClient(EndpointOptions.Socket.Get(parsed));
        try
        {
            return await ask(client);
        }
        catch (AgentException problem)
        {
            return Failure.Because(problem.Message);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return ExitCode.Fine;
        }
    }
}
