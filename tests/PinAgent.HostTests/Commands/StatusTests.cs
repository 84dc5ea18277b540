using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using CliWrap;
using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Commands;

/// <summary>The running agent tells of real guests, whoever asks and however.</summary>
public sealed class StatusTests
{
    private const int Timeout = Patience.Hang;
    private readonly string _name = $"default_test-{Guid.NewGuid():N}";

    private string FullName => _name.Replace('_', '/');

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact(Timeout = Timeout)]
    public async Task The_running_agent_tells_who_runs_where_and_why()
    {
        Requires.RealGuests(cpus: 2);
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        await using var guest = await Guest.StartAsync(_name, "1", cpuset, ioThreads: 1);
        await using var agent = new AgentLoop("--vm", _name);
        await agent.WaitForLogsAsync("pinned within CPUs 0-1", "pinagent.sock");

        var table = await agent.AskAsync();
        var json = await agent.AskAsync("-o", "json");
        var explained = await agent.AskAsync("--vm", FullName);
        var one = await agent.AskAsync("--vm", $"{guest.Pid}", "-o", "json");

        Assert.Matches($@"{FullName} +{guest.Pid} +Pinned ", table.StandardOutput);
        var vm = new Status(JsonNode.Parse(json.StandardOutput)!).Vm(guest);
        Assert.Equal(("Pinned", FullName), (vm.State, vm.FullName));
        // The waits are another at every question.
        Assert.All(vm.Threads, thread => Assert.NotNull((ulong?)thread["runDelayNanoseconds"]));
        Assert.True(
            JsonNode.DeepEquals(Still(vm.Json), Still(JsonNode.Parse(one.StandardOutput)!))
        );
        Assert.Contains("guest core 0: a CPU to itself", explained.StandardOutput);
        Assert.Contains("isolated: a CPU of its own", explained.StandardOutput);
        Assert.Equal(0, (await agent.AskAsync("--probe", "live")).ExitCode);
        Assert.Equal(0, (await agent.AskAsync("--probe", "ready")).ExitCode);
        foreach (var name in new[] { _name, FullName.Split('/')[1] })
        {
            Assert.Equal(
                explained.StandardOutput,
                (await agent.AskAsync("--vm", name)).StandardOutput
            );
        }

        Assert.Equal(1, (await agent.AskAsync("--vm", "nobody")).ExitCode);

        await agent.StopAsync("TERM");

        Assert.Equal(3, (await agent.AskAsync()).ExitCode);
        Assert.Equal(1, (await agent.AskAsync("--probe", "live")).ExitCode);
    }

    [Fact(Timeout = Timeout)]
    public async Task Two_guests_of_one_name_are_told_apart_by_their_pids()
    {
        Requires.RealGuests(cpus: 2);
        using var first = new Cpuset(Cpuset.PodPath(out _, out _), "0");
        using var second = new Cpuset(Cpuset.PodPath(out _, out _), "1");
        await using var one = await Guest.StartAsync(_name, "1", first);
        await using var twin = await Guest.StartAsync(_name, "1", second);
        await using var agent = new AgentLoop("--vm", _name);
        await agent.WaitForLogsAsync($"(pid {one.Pid})", $"(pid {twin.Pid})", "pinagent.sock");

        var ambiguous = await agent.AskAsync("--vm", FullName);
        var chosen = await agent.AskAsync("--vm", $"{twin.Pid}");

        Assert.Equal(2, ambiguous.ExitCode);
        Assert.Contains($"{twin.Pid}", ambiguous.StandardError);
        Assert.Contains($"{FullName} (pid {twin.Pid}): Pinned", chosen.StandardOutput);
    }

    [Fact(Timeout = Timeout)]
    public async Task Who_watches_sees_a_repair_and_a_guest_that_comes_and_goes()
    {
        Requires.RealGuests(cpus: 2);
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0");
        using var another = new Cpuset(Cpuset.PodPath(out _, out _), "1");
        await using var guest = await Guest.StartAsync(_name, "1", cpuset);
        await using var agent = new AgentLoop("--vm", _name, "--vm", $"{_name}-late");
        await agent.WaitForLogsAsync("pinned within CPUs 0", "pinagent.sock");
        await using var watcher = new StatusWatcher(agent.Socket);
        await watcher.WaitAsync(status => status.Vm(guest).State == "Pinned");

        File.WriteAllText($"{cpuset.Folder}/cpuset.cpus", "0-1");
        await watcher.WaitAsync(status => (string)status.Vm(guest).Json["cpuset"]! == "0-1");
        await Cli.Wrap("taskset").WithArguments(["-pc", "0", $"{guest.Pid}"]).ExecuteAsync(Stop);
        await watcher.WaitAsync(status => (int)status.Json["drift"]!["repairs"]! > 0);
        File.WriteAllText($"{cpuset.Folder}/cpuset.cpus", "0");

        await using (var late = await Guest.StartAsync($"{_name}-late", "1", another))
        {
            await watcher.WaitAsync(status =>
                status.Has(late.Pid) && status.Vm(late).State == "Pinned"
            );
        }

        await watcher.WaitAsync(status => status.Json["vms"]!.AsArray().Count == 1);
        await agent.StopAsync("TERM");
        Assert.Equal(3, await watcher.ExitCodeAsync());
    }

    [Fact(Timeout = Timeout)]
    public async Task A_thousand_clients_that_never_finish_hold_up_neither_pinning_nor_the_socket()
    {
        const long Mebibyte = 1024 * 1024;
        Requires.RealGuests(cpus: 2);
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        await using var guest = await Guest.StartAsync(_name, "1", cpuset);
        await using var agent = new AgentLoop("--vm", _name);
        var log = await agent.WaitForLogsAsync("Status at http://", "pinned within CPUs 0-1");
        var port = new Uri(log[0].Split(' ')[^1]).Port;
        var vcpu = (await guest.Monitor.VcpuThreadsAsync())[0];
        var before = PeakMemory(agent.Pid);
        var clients = new List<TcpClient>();
        try
        {
            // Half of them never end their request, half never read what they asked for.
            for (var i = 0; i < 1000; i++)
            {
                var client = new TcpClient();
                clients.Add(client);
                await client.ConnectAsync("127.0.0.1", port, Stop);
                await client.Client.SendAsync(
                    Encoding.ASCII.GetBytes(
                        "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n"
                            + (i % 2 == 0 ? "\r\n" : "X-Slow: ")
                    ),
                    Stop
                );
            }

            await Cli.Wrap("taskset").WithArguments(["-pc", "1", $"{vcpu}"]).ExecuteAsync(Stop);
            await agent.WaitForLogAsync("repaired");

            Assert.Equal("0", guest.Masks()[vcpu]);
            Assert.Contains("Pinned", (await agent.AskAsync("--vm", _name)).StandardOutput);
            Assert.Equal(0, (await agent.AskAsync("--probe", "live")).ExitCode);
            Assert.InRange(PeakMemory(agent.Pid) - before, 0, 64 * Mebibyte);
        }
        finally
        {
            clients.ForEach(client => client.Dispose());
        }
    }

    [Fact(Timeout = Timeout)]
    public async Task The_next_agent_takes_over_what_a_killed_one_has_left()
    {
        await using var killed = new AgentLoop("--vm", _name);
        await killed.WaitForLogAsync("pinagent.sock");
        await killed.StopAsync("KILL");
        Assert.True(File.Exists(killed.Socket));

        await using var next = new AgentLoop("--vm", _name, "--socket", killed.Socket);
        await next.WaitForLogsAsync(killed.Socket, "mode enforce");

        Assert.Equal(0, (await killed.AskAsync("--probe", "ready")).ExitCode);
    }

    [Fact(Timeout = Timeout)]
    public async Task A_second_agent_leaves_the_first_ones_socket_alone_and_goes_on()
    {
        await using var first = new AgentLoop("--vm", _name);
        await first.WaitForLogsAsync("pinagent.sock", "mode enforce");

        await using var second = new AgentLoop("--vm", _name, "--socket", first.Socket);
        await second.WaitForLogsAsync("found the socket of a running one", "mode enforce");
        await second.StopAsync("TERM");

        Assert.Equal(0, (await first.AskAsync("--probe", "live")).ExitCode);
    }

    [Fact(Timeout = Timeout)]
    public async Task One_pass_alone_opens_nothing()
    {
        var folder = Directory.CreateTempSubdirectory("pinagent-test-").FullName;
        try
        {
            await Agent.RunOnceAsync("--socket", $"{folder}/a/pinagent.sock");

            Assert.Empty(Directory.EnumerateFileSystemEntries(folder));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    // VmHWM: the most memory the process has ever had, in bytes.
    private static long PeakMemory(int pid) =>
        long.Parse(
            File.ReadLines($"/proc/{pid}/status")
                .First(line => line.StartsWith("VmHWM:", StringComparison.Ordinal))
                .Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2],
            System.Globalization.CultureInfo.InvariantCulture
        ) * 1024;

    private static JsonNode Still(JsonNode vm)
    {
        foreach (var thread in vm["threads"]!.AsArray())
        {
            thread!.AsObject().Remove("runDelayNanoseconds");
            thread.AsObject().Remove("wait");
        }

        return vm;
    }
}
