using System.CommandLine;
using System.Net;
using System.Text;
using PinAgent.Cli.Settings;
using PinAgent.Report.Endpoint;

namespace PinAgent.Cli.Options;

/// <summary>The options about where the status is to be had.</summary>
internal static class EndpointOptions
{
    // Of sockaddr_un.sun_path, without the zero at its end: unix(7).
    private const int LongestPath = 107;

    private const string SelfSigned = "self-signed";

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

    private static Setting<IPEndPoint?> MetricsListen { get; } =
        new(
            "--metrics-listen",
            "ADDRESS:PORT|off",
            "Where a Prometheus elsewhere reads /metrics, over TLS and with a token that the cluster lets read it.",
            "off",
            ReadAnyAddress
        );

    private static Setting<string?> MetricsCertificate { get; } =
        Pem("--metrics-cert", "The certificate to show there, in PEM, read again when it changes.");

    private static Setting<string?> MetricsKey { get; } = Pem("--metrics-key", "Its key, in PEM.");

    private static Setting<bool> VmMetrics { get; } =
        CommonOptions.Flag(
            "--vm-metrics",
            "Let /metrics have series of each VM too: one, one per thread, and another per vCPU."
        );

    /// <summary>Adds the options that the agent has.</summary>
    public static void AddTo(DetailedCommand command)
    {
        command.Add(Tcp);
        command.Add(Socket);
        command.Add(VmMetrics);
        command.Add(MetricsListen);
        command.Add(MetricsCertificate);
        command.Add(MetricsKey);
    }

    /// <summary>What was told.</summary>
    public static EndpointSettings Get(ParseResult parsed) =>
        new(Tcp.Get(parsed), Socket.Get(parsed), VmMetrics.Get(parsed));

    /// <summary>Where a Prometheus elsewhere reads the metrics; null for nowhere.</summary>
    /// <exception cref="UsageException">There's a certificate without its key, or the other way round.</exception>
    public static ScrapeSettings? GetScrape(ParseResult parsed)
    {
        var (certificate, key) = (MetricsCertificate.Get(parsed), MetricsKey.Get(parsed));
        if (certificate is null != key is null)
        {
            throw new UsageException(
                "expected --metrics-cert and --metrics-key, or neither of them, found only one"
            );
        }

        return MetricsListen.Get(parsed) is { } address
            ? new ScrapeSettings(address, certificate, key)
            : null;
    }

    internal static IPEndPoint? ReadAddress(string text) =>
        text == "off" ? null
        : TryReadAddress(text) is { } address && IPAddress.IsLoopback(address.Address) ? address
        : throw new FormatException(
            $"expected off, or a loopback address and a port like 127.0.0.1:9477, found \"{text}\""
        );

    internal static IPEndPoint? ReadAnyAddress(string text) =>
        text == "off" ? null
        : TryReadAddress(text) is { } address ? address
        : throw new FormatException(
            $"expected off, or an address and a port like 0.0.0.0:9478, found \"{text}\""
        );

    private static IPEndPoint? TryReadAddress(string text) =>
        IPEndPoint.TryParse(text, out var address)
        && text.EndsWith($":{address.Port}", StringComparison.Ordinal)
            ? address
            : null;

    private static Setting<string?> Pem(string name, string description) =>
        new(
            name,
            "FILE",
            description,
            SelfSigned,
            text =>
                text == SelfSigned ? null
                : text.Length > 0 ? text
                : throw new FormatException("expected a file, found nothing")
        );
}
