using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using CliWrap;
using CliWrap.Buffered;
using Xunit;

namespace PinAgent.HostTests.Harness;

/// <summary>The agent, started as a user starts it.</summary>
internal static class Agent
{
    /// <summary>Makes one pass and returns the status.</summary>
    public static async Task<Status> RunOnceAsync(params string[] arguments)
    {
        var result = await RunAsync(["run", "--standalone", "--once", "-o", "json", .. arguments]);
        return Read(result);
    }

    // 1 is the answer "no": a named VM isn't there, or is refused.
    private static Status Read(BufferedCommandResult result)
    {
        Assert.True(result.ExitCode is 0 or 1, $"exit {result.ExitCode}: {result.StandardError}");
        return new Status(JsonNode.Parse(result.StandardOutput)!);
    }

    /// <summary>Runs any command.</summary>
    public static async Task<BufferedCommandResult> RunAsync(params string[] arguments) =>
        await Cli.Wrap(Paths.Agent)
            .WithArguments(arguments)
            .WithValidation(CommandResultValidation.None)
            .ExecuteBufferedAsync(TestContext.Current.CancellationToken);

    /// <summary>Runs the agent through another program (<c>setpriv</c>, <c>unshare</c>) and returns the status.</summary>
    public static async Task<Status> RunOnceThroughAsync(
        string program,
        string[] before,
        params string[] arguments
    )
    {
        var result = await Cli.Wrap(program)
            .WithArguments([
                .. before,
                Paths.Agent,
                "run",
                "--standalone",
                "--once",
                "-o",
                "json",
                .. arguments,
            ])
            .WithValidation(CommandResultValidation.None)
            .ExecuteBufferedAsync(TestContext.Current.CancellationToken);
        return Read(result);
    }
}

/// <summary>The agent's loop, running in the background.</summary>
internal sealed class AgentLoop : IAsyncDisposable
{
    private readonly CancellationTokenSource _kill = new();
    private readonly Channel<string> _log = Channel.CreateUnbounded<string>();
    private readonly CommandTask<CommandResult> _run;
    private readonly string _folder = Directory.CreateTempSubdirectory("pinagent-test-").FullName;
    private readonly ConcurrentQueue<string> _said = new();
    private int _logged;

    /// <summary>Starts the agent of a plain host.</summary>
    public AgentLoop(params string[] arguments)
        : this(arguments, Standalone(arguments)) { }

    private AgentLoop(string[] arguments, string[] before, string[]? through = null)
    {
        // A job of a shell's background, as these tests may be, ignores SIGINT, and so would the agent.
        _run = Cli.Wrap("env")
            .WithArguments([
                "--default-signal=INT",
                .. through ?? [],
                Paths.Agent,
                .. before,
                .. arguments.Contains("--tcp") ? (string[])[] : ["--tcp", "127.0.0.1:0"],
                .. arguments.Contains("--socket") ? (string[])[] : ["--socket", Socket],
                .. arguments.Contains("--state-dir") ? (string[])[] : ["--state-dir", _folder],
                .. arguments,
            ])
            .WithValidation(CommandResultValidation.None)
            .WithStandardErrorPipe(
                PipeTarget.ToDelegate(line =>
                {
                    Interlocked.Increment(ref _logged);
                    Remember(line);
                    _log.Writer.TryWrite(line);
                })
            )
            .ExecuteAsync(_kill.Token);
        _ = _run.Task.ContinueWith(_ => _log.Writer.TryComplete(), TaskScheduler.Default);
    }

    /// <summary>Starts the agent of a cluster's node.</summary>
    public static AgentLoop InCluster(params string[] arguments) => new(arguments, ["run"]);

    /// <summary>A program that has tracefs, in a mount namespace of its own where the machine hasn't mounted it.</summary>
    public static IReadOnlyList<string> WithTraceFolder { get; } =
    [
        "unshare",
        "--mount",
        "sh",
        "-c",
        "test -d /sys/kernel/tracing/events || mount -t tracefs tracefs /sys/kernel/tracing; exec \"$@\"",
        "sh",
    ];

    /// <summary>Starts the agent of a plain host through another program (<c>setpriv</c>, <c>unshare</c>).</summary>
    public static AgentLoop Through(string[] program, params string[] arguments) =>
        new(arguments, Standalone(arguments), program);

    /// <summary>The agent's Unix socket, unless the arguments name another.</summary>
    public string Socket => $"{_folder}/pinagent.sock";

    public int Pid => _run.ProcessId;

    /// <summary>Whether it is no more.</summary>
    public bool HasEnded => _run.Task.IsCompleted;

    /// <summary>What it has logged of late, for who has to say why something isn't as it should be.</summary>
    public string Said => string.Join('\n', _said);

    /// <summary>How many lines it has logged.</summary>
    public int LogLines => Volatile.Read(ref _logged);

    /// <summary>Asks the agent as an administrator does.</summary>
    public Task<BufferedCommandResult> AskAsync(params string[] arguments) =>
        Agent.RunAsync(["status", "--socket", Socket, .. arguments]);

    /// <summary>What Prometheus would read.</summary>
    public async Task<string> MetricsAsync()
    {
        using var client = Client(Socket);
        return await client.GetStringAsync(
            "http://localhost/metrics",
            TestContext.Current.CancellationToken
        );
    }

    /// <summary>Speaks HTTP through the agent's socket.</summary>
    public static HttpClient Client(string path) =>
        new(
            new SocketsHttpHandler
            {
                ConnectCallback = async (_, stop) =>
                {
                    var socket = new System.Net.Sockets.Socket(
                        AddressFamily.Unix,
                        SocketType.Stream,
                        ProtocolType.Unspecified
                    );
                    await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), stop);
                    return new NetworkStream(socket, ownsSocket: true);
                },
            }
        );

    /// <summary>Waits for a line of the log that has this text.</summary>
    public async Task<string> WaitForLogAsync(string text) => (await WaitForLogsAsync(text))[0];

    /// <summary>Waits until each of these texts was in a line of the log, in any order.</summary>
    public async Task<string[]> WaitForLogsAsync(params string[] texts)
    {
        var passed = new List<string>();
        using var hung = CancellationTokenSource.CreateLinkedTokenSource(
            TestContext.Current.CancellationToken
        );
        hung.CancelAfter(Patience.HungWait);
        try
        {
            await foreach (var line in _log.Reader.ReadAllAsync(hung.Token))
            {
                passed.Add(line);
                var found = texts
                    .Select(text =>
                        passed.Find(old => old.Contains(text, StringComparison.Ordinal))
                    )
                    .OfType<string>()
                    .ToArray();
                if (found.Length == texts.Length)
                {
                    return found;
                }
            }
        }
        catch (OperationCanceledException)
        {
            throw NotLogged("The agent runs");
        }

        throw NotLogged($"The agent ended with {(await _run.Task).ExitCode}");

        InvalidOperationException NotLogged(string how) =>
            new(
                $"{how} and hadn't logged \"{string.Join("\" and \"", texts)}\", but: {string.Join('\n', passed)}\nBefore: {Said}"
            );
    }

    /// <summary>Sends a signal and returns the exit code.</summary>
    public async Task<int> StopAsync(string signal)
    {
        await Cli.Wrap("kill").WithArguments([$"-{signal}", $"{_run.ProcessId}"]).ExecuteAsync();
        return (await _run.Task.WaitAsync(TestContext.Current.CancellationToken)).ExitCode;
    }

    private void Remember(string line)
    {
        _said.Enqueue(line);
        if (_said.Count > 50)
        {
            _said.TryDequeue(out _);
        }
    }

    private static string[] Standalone(string[] arguments) =>
        arguments.Contains("--interval")
            ? ["run", "--standalone"]
            : ["run", "--standalone", "--interval", "0.02"];

    public async ValueTask DisposeAsync()
    {
        // Started through another program, the agent is that one's child and may outlive it by a moment.
        var tree = HasEnded ? [] : Processes.TreeOf(Pid);
        await _kill.CancelAsync();
        try
        {
            await _run;
        }
        catch (OperationCanceledException)
        {
            // As asked.
        }

        foreach (var pid in tree)
        {
            await Processes.WaitUntilEndedAsync(pid);
        }

        _kill.Dispose();
        _run.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}

/// <summary>A status as a program reads it.</summary>
internal sealed class Status(JsonNode json)
{
    public JsonNode Json => json;

    /// <summary>The only VM of this guest.</summary>
    public Vm Vm(Guest guest) => Vm(guest.Pid);

    /// <summary>The VM of this process.</summary>
    public Vm Vm(int pid) => new(json["vms"]!.AsArray().Single(vm => (int)vm!["pid"]! == pid)!);

    /// <summary>What is told of the violations of a kind.</summary>
    public IReadOnlyList<string> Violations(string kind) =>
        [
            .. json["violations"]!
                .AsArray()
                .Where(violation => (string)violation!["kind"]! == kind)
                .Select(violation => (string)violation!["message"]!),
        ];

    /// <summary>Whether the status has a VM of this process.</summary>
    public bool Has(int pid) => json["vms"]!.AsArray().Any(vm => (int)vm!["pid"]! == pid);
}

/// <summary>One VM of a status.</summary>
internal sealed class Vm(JsonNode json)
{
    public JsonNode Json => json;

    public string State => (string)json["state"]!;

    public string? Reason => (string?)json["reason"];

    public string FullName => $"{json["namespace"]}/{json["name"]}";

    public IReadOnlyList<JsonNode> Threads =>
        [.. json["threads"]!.AsArray().Select(thread => thread!)];

    /// <summary>The outcomes that occur, sorted.</summary>
    public string Outcomes =>
        string.Join(
            ' ',
            Threads.Select(thread => (string?)thread["outcome"] ?? "-").Distinct().Order()
        );

    /// <summary>The thread ids of a role, by number.</summary>
    public IReadOnlyDictionary<int, int> Tids(string role) =>
        Threads
            .Where(thread => (string)thread["role"]! == role)
            .ToDictionary(thread => (int)thread["index"]!, thread => (int)thread["tid"]!);
}
