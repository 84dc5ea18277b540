using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text.Json.Nodes;

namespace PinAgent.Benchmarks.Harness;

/// <summary>The agent, running as it ships, told to pin the benchmark's guests.</summary>
internal sealed class RunningAgent : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("pinagent-bench-").FullName;
    private readonly Child _child;
    private readonly HttpClient _client;

    /// <summary>Starts the agent and waits until it has made its first pass.</summary>
    /// <param name="bench">Where it is.</param>
    /// <param name="arguments">More of its arguments.</param>
    public RunningAgent(Bench bench, params string[] arguments)
        : this(bench, nice: 0, arguments) { }

    private RunningAgent(Bench bench, int nice, string[] arguments, bool traces = false)
    {
        var socket = $"{_folder}/pinagent.sock";
        _client = new(
            new SocketsHttpHandler
            {
                ConnectCallback = async (_, stop) =>
                {
                    var connection = new Socket(
                        AddressFamily.Unix,
                        SocketType.Stream,
                        ProtocolType.Unspecified
                    );
                    await connection.ConnectAsync(new UnixDomainSocketEndPoint(socket), stop);
                    return new NetworkStream(connection, ownsSocket: true);
                },
            }
        );
        var began = Stopwatch.GetTimestamp();
        // tracefs for the agent alone, where the machine hasn't mounted it.
        const string Trace =
            "test -d /sys/kernel/tracing/events || mount -t tracefs tracefs /sys/kernel/tracing; ";
        _child = Child.Start(
            traces ? "/usr/bin/unshare" : "/bin/sh",
            [
                .. traces ? (string[])["--mount", "/bin/sh"] : [],
                .. (string[])
                    [
                        "-c",
                        $"{(traces ? Trace : "")}exec nice -n {nice} \"$@\" 2>{_folder}/log",
                        "sh",
                        bench.Agent,
                    ],
                .. (string[])["run", "--standalone", "--tcp", "off"],
                .. (string[])["--kubepods-cgroup", bench.Group],
                .. arguments.Contains("--vm") ? (string[])[] : ["--vm", Bench.Guest],
                .. (string[])["--socket", socket, "--state-dir", $"{_folder}/state"],
                .. arguments,
            ]
        );
        Wait.Until(() => File.Exists(socket) && IsReady());
        ReadyAfter = Stopwatch.GetElapsedTime(began);
    }

    /// <summary>Starts one that goes before all others, at nice −20.</summary>
    public static RunningAgent Foremost(Bench bench, params string[] arguments) =>
        new(bench, -20, arguments);

    /// <summary>
    /// Starts one whom the kernel tells of masks, whatever it takes: at probes of its functions, or else with every system call.
    /// </summary>
    /// <returns>The agent, and which of the two it is.</returns>
    public static (RunningAgent Agent, string Hook) ThatHearsOfMasks(Bench bench) =>
        (new(bench, 0, ["--events", MaskHook], traces: true), MaskHook);

    /// <summary>What of <c>--events</c> tells of masks on this machine.</summary>
    public static string MaskHook { get; } =
        Directory.Exists("/sys/bus/event_source/devices/kprobe") ? "probes" : "syscalls";

    public int Pid => _child.Pid;

    /// <summary>The time from its start until the first pass was done.</summary>
    public TimeSpan ReadyAfter { get; }

    /// <summary>Asks for the value of a metric.</summary>
    public double Metric(string name) =>
        double.Parse(
            Get("/metrics")
                .Split('\n')
                .First(line => line.StartsWith($"pinagent_{name} ", StringComparison.Ordinal))
                .Split(' ')[^1],
            CultureInfo.InvariantCulture
        );

    /// <summary>Asks for the benchmark's only guest; null while there's none, or the one before is still leaving.</summary>
    public JsonNode? Vm() =>
        JsonNode.Parse(Get("/api/v1/status"))!["vms"]!
            .AsArray()
            .Where(vm => (string?)vm!["name"] == Bench.Guest)
            .ToList()
            is [var only]
            ? only
            : null;

    public void Dispose()
    {
        _child.Dispose();
        _client.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private string Get(string path) =>
        _client.GetStringAsync(new Uri($"http://localhost{path}")).GetAwaiter().GetResult();

    private bool IsReady()
    {
        try
        {
            Get("/readyz");
            return true;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
