using System.Buffers;
using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace PinAgent.Observe.Kubelet;

/// <summary>
/// A gRPC server on a Unix socket: calls with an empty message and one message in answer, over HTTP/2
/// (<c>github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md</c>).
/// </summary>
internal sealed class GrpcSocket : IDisposable
{
    /// <summary>The largest message taken, in bytes; the kubelet's own clients take as much.</summary>
    public const int LargestMessage = 16 * 1024 * 1024;

    // Whether it's compressed, and the length.
    private const int PrefixLength = 5;

    private readonly HttpClient _http;

    /// <summary>Nothing is sent yet.</summary>
    /// <param name="path">The socket.</param>
    public GrpcSocket(string path) =>
        _http = new HttpClient(
            new SocketsHttpHandler
            {
                ConnectCallback = async (_, stop) =>
                {
                    var socket = new Socket(AddressFamily.Unix, SocketType.Stream, 0);
                    try
                    {
                        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), stop);
                        return new NetworkStream(socket, ownsSocket: true);
                    }
                    catch
                    {
                        socket.Dispose();
                        throw;
                    }
                },
            }
        )
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };

    /// <summary>Calls.</summary>
    /// <param name="method">Package, service and method: <c>v1.PodResourcesLister/List</c>.</param>
    /// <param name="stop">Gives up.</param>
    /// <exception cref="InvalidDataException">The answer is an error, too large, or none of gRPC's.</exception>
    /// <exception cref="HttpRequestException">There is no connection.</exception>
    /// <exception cref="IOException">The connection broke.</exception>
    public async Task<ReadOnlyMemory<byte>> CallAsync(string method, CancellationToken stop)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"http://localhost/{method}")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(new byte[PrefixLength])
            {
                Headers = { ContentType = new("application/grpc") },
            },
            Headers = { TE = { new("trailers") } },
        };
        using var response = await _http.SendAsync(
            request,
            HttpCompletionOption.ResponseHeadersRead,
            stop
        );
        if (response.StatusCode != HttpStatusCode.OK)
        {
            throw new InvalidDataException($"expected gRPC, found HTTP {(int)response.StatusCode}");
        }

        var body = await ReadAsync(response.Content, stop);

        // An error that is known before the answer begins has no body and no trailers.
        var status =
            Find(response.TrailingHeaders, "grpc-status") ?? Find(response.Headers, "grpc-status");
        if (status != "0")
        {
            var message =
                Find(response.TrailingHeaders, "grpc-message")
                ?? Find(response.Headers, "grpc-message");
            throw new InvalidDataException(
                $"gRPC status {status ?? "missing"}"
                    + (message is null ? "" : $": {Uri.UnescapeDataString(message)}")
            );
        }

        return Unwrap(body);
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private static async Task<ReadOnlyMemory<byte>> ReadAsync(
        HttpContent content,
        CancellationToken stop
    )
    {
        const int Chunk = 16 * 1024;
        var body = new ArrayBufferWriter<byte>(Chunk);
        await using var stream = await content.ReadAsStreamAsync(stop);
        while (await stream.ReadAsync(body.GetMemory(Chunk), stop) is > 0 and var read)
        {
            body.Advance(read);
            if (body.WrittenCount > PrefixLength + LargestMessage)
            {
                throw new InvalidDataException(
                    $"the answer has more than {LargestMessage / 1024 / 1024} MiB"
                );
            }
        }

        return body.WrittenMemory;
    }

    private static ReadOnlyMemory<byte> Unwrap(ReadOnlyMemory<byte> body)
    {
        if (
            body.Length < PrefixLength
            || body.Span[0] != 0
            || BinaryPrimitives.ReadUInt32BigEndian(body.Span[1..]) != body.Length - PrefixLength
        )
        {
            throw new InvalidDataException(
                $"expected one uncompressed gRPC message, found {body.Length} bytes of something else"
            );
        }

        return body[PrefixLength..];
    }

    private static string? Find(System.Net.Http.Headers.HttpHeaders headers, string name) =>
        headers.TryGetValues(name, out var values) ? values.First() : null;
}
