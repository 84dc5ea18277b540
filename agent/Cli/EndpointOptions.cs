using System.CommandLine;
using System.Net;
using System.Text;
using PinAgent.Cli.Settings;
using PinAgent.Report.Endpoint;

namespace PinAgent.Cli;

/// <summary>The options about where the status is to be had.</summary>
internal static class EndpointOptions
{
    // Of sockaddr_un.sun_path, without the zero at its end: unix(7).
    private const int LongestPath = 107;

    /// <summary>The Unix socket, for the agent and for those who ask it.</summary>
    public static Setting<string> Socket { get; } =
        new(
            "--socket",
            "PATH",
            "The running agent's Unix socket.",
            "/run/pinagent/pinagent.sock",
            text =>
                text.Length > 0 && Encoding.UTF8.GetByteCount(text) <= LongestPath
                    ? text
                    : throw new FormatException(
                        $"expected a path of at most {LongestPath} bytes, found {text.Length} characters"
                    )
        );

    private static Setting<IPEndPoint?> Tcp { get; } =
        new(
            "--tcp",
            "ADDRESS:PORT|off",
            "Where the status page is: a loopback address, with port 0 for any free one.",
            "127.0.0.1:9477",
            ReadAddress
        );

    private static Setting<bool> VmMetrics { get; } =
        Options.Flag(
            "--vm-metrics",
            "Let /metrics have series of each VM too: one, one per thread, and another per vCPU."
        );

    /// <summary>Adds the options that the agent has.</summary>
    public static void AddTo(DetailedCommand command)
    {
        command.Add(Tcp);
        command.Add(Socket);
        command.Add(VmMetrics);
    }

    /// <summary>What was told.</summary>
    public static EndpointSettings Get(ParseResult parsed) =>
        new(Tcp.Get(parsed), Socket.Get(parsed), VmMetrics.Get(parsed));

    internal static IPEndPoint? ReadAddress(string text) =>
        text == "off" ? null
        : IPEndPoint.TryParse(text, out var address)
        && IPAddress.IsLoopback(address.Address)
        && text.EndsWith($":{address.Port}", StringComparison.Ordinal)
            ? address
        : throw new FormatException(
            $"expected off, or a loopback address and a port like 127.0.0.1:9477, found \"{text}\""
        );
}
