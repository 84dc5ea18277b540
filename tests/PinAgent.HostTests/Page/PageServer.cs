using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Threading.Channels;
using PinAgent.HostTests.Harness;

namespace PinAgent.HostTests.Page;

/// <summary>
/// Serves a golden page as the agent serves its own: with the agent's files and security policy, and an event whenever
/// the page is changed. The fast tests prove that the golden pages are what the agent renders.
/// </summary>
internal sealed class PageServer : IAsyncDisposable
{
    private const string Policy =
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; "
        + "form-action 'none'; frame-ancestors 'none'";

    private readonly HttpListener _listener;
    private readonly Task _serving;
    private Channel<bool> _changes = Channel.CreateUnbounded<bool>();
    private volatile string _html;

    private PageServer(HttpListener listener, Uri address, string html)
    {
        (_listener, Address, _html) = (listener, address, html);
        _serving = ServeAsync();
    }

    public Uri Address { get; }

    /// <summary>Whether the agent is there; without it, every connection ends without an answer.</summary>
    public bool IsThere { get; set; } = true;

    /// <summary>Starts with a golden page.</summary>
    /// <param name="page">Its name without the ending.</param>
    /// <param name="change">What is different in it.</param>
    public static PageServer Start(string page, Func<string, string>? change = null)
    {
        var html = Golden(page);
        using var free = new TcpListener(IPAddress.Loopback, 0);
        free.Start();
        var address = new Uri($"http://127.0.0.1:{((IPEndPoint)free.LocalEndpoint).Port}/");
        free.Stop();
        var listener = new HttpListener();
        listener.Prefixes.Add(address.ToString());
        listener.Start();
        return new PageServer(listener, address, change is null ? html : change(html));
    }

    /// <summary>A golden page.</summary>
    public static string Golden(string page) =>
        File.ReadAllText(Paths.InRepository($"tests/fixtures/page/{page}.html"));

    /// <summary>Shows another page and tells of it.</summary>
    public void Change(Func<string, string> change)
    {
        _html = change(_html);
        _changes.Writer.TryWrite(true);
    }

    /// <summary>Breaks the stream of events, and makes the agent unreachable.</summary>
    public void Leave()
    {
        IsThere = false;
        var before = _changes;
        _changes = Channel.CreateUnbounded<bool>();
        before.Writer.Complete();
    }

    public async ValueTask DisposeAsync()
    {
        _changes.Writer.TryComplete();
        _listener.Close();
        await _serving.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task ServeAsync()
    {
        while (true)
        {
            var context = await _listener.GetContextAsync();
            _ = AnswerAsync(context);
        }
    }

    private async Task AnswerAsync(HttpListenerContext context)
    {
        var response = context.Response;
        var path = context.Request.Url!.AbsolutePath;
        if (!IsThere)
        {
            response.Abort();
            return;
        }

        response.Headers["Content-Security-Policy"] = Policy;
        if (path == "/api/v1/events")
        {
            await SendEventsAsync(response, _changes.Reader);
            return;
        }

        var (type, body) = path switch
        {
            "/" => ("text/html; charset=utf-8", Encoding.UTF8.GetBytes(_html)),
            "/page.css" => ("text/css; charset=utf-8", Asset(path)),
            "/page.js" => ("text/javascript; charset=utf-8", Asset(path)),
            "/page.svg" => ("image/svg+xml", Asset(path)),
            _ => ("text/plain", []),
        };
        var tag = $"\"{Convert.ToHexStringLower(SHA256.HashData(body))}\"";
        if (path == "/" && context.Request.Headers["If-None-Match"] == tag)
        {
            response.StatusCode = 304;
            response.Close();
            return;
        }

        response.Headers["ETag"] = tag;
        response.StatusCode = body.Length == 0 ? 404 : 200;
        response.ContentType = type;
        await response.OutputStream.WriteAsync(body);
        response.Close();
    }

    private static async Task SendEventsAsync(
        HttpListenerResponse response,
        ChannelReader<bool> changes
    )
    {
        response.ContentType = "text/event-stream";
        response.SendChunked = true;
        await response.OutputStream.WriteAsync("data: {}\n\n"u8.ToArray());
        await response.OutputStream.FlushAsync();
        await foreach (var _ in changes.ReadAllAsync())
        {
            await response.OutputStream.WriteAsync("data: {}\n\n"u8.ToArray());
            await response.OutputStream.FlushAsync();
        }

        response.Abort();
    }

    private static byte[] Asset(string path) =>
        File.ReadAllBytes(Paths.InRepository($"agent/Report/Page{path}"));
}
