using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace PinAgent.HostTests.Harness;

/// <summary>QEMU's monitor: one JSON object per line (QEMU's <c>docs/interop/qmp-spec</c>).</summary>
internal sealed class Qmp : IDisposable
{
    private readonly NetworkStream _stream;
    private readonly StreamReader _reader;

    private Qmp(Socket connection)
    {
        _stream = new NetworkStream(connection, ownsSocket: true);
        _reader = new StreamReader(_stream);
    }

    public static async Task<Qmp> ConnectAsync(Socket connection)
    {
        var monitor = new Qmp(connection);
        await monitor.ReadAsync("QMP");
        await monitor.ExecuteAsync("qmp_capabilities");
        return monitor;
    }

    public async Task<JsonNode> ExecuteAsync(string command, JsonObject? arguments = null)
    {
        var request = new JsonObject { ["execute"] = command };
        if (arguments is not null)
        {
            request["arguments"] = arguments;
        }

        await _stream.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(request));
        return await ReadAsync("return");
    }

    /// <summary>The thread of each vCPU, by its number.</summary>
    public async Task<IReadOnlyDictionary<int, int>> VcpuThreadsAsync() =>
        (await ExecuteAsync("query-cpus-fast"))
            .AsArray()
            .ToDictionary(cpu => (int)cpu!["cpu-index"]!, cpu => (int)cpu!["thread-id"]!);

    /// <summary>The thread of each I/O thread, by its id.</summary>
    public async Task<IReadOnlyDictionary<string, int>> IoThreadsAsync() =>
        (await ExecuteAsync("query-iothreads"))
            .AsArray()
            .ToDictionary(thread => (string)thread!["id"]!, thread => (int)thread!["thread-id"]!);

    public void Dispose()
    {
        _reader.Dispose();
        _stream.Dispose();
    }

    // Events may come in between.
    private async Task<JsonNode> ReadAsync(string key)
    {
        while (await _reader.ReadLineAsync(Xunit.TestContext.Current.CancellationToken) is { } line)
        {
            var answer = JsonNode.Parse(line)!;
            if (answer["error"] is { } error)
            {
                throw new InvalidOperationException($"QEMU: {error}");
            }

            if (answer[key] is { } found)
            {
                return found;
            }
        }

        throw new EndOfStreamException("QEMU closed its monitor.");
    }
}
