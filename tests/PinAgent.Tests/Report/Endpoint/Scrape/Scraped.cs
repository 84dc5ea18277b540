using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using k8s;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using PinAgent.Kubernetes.Client;
using PinAgent.Report.Endpoint;
using PinAgent.Report.Endpoint.Scrape;
using PinAgent.Report.Status;
using PinAgent.Tests.Kubernetes;
using Xunit;

namespace PinAgent.Tests.Report.Endpoint.Scrape;

/// <summary>A real listener for scrapes, on a free port, of an agent whose cluster is the test's own.</summary>
internal sealed class Scraped : IAsyncDisposable
{
    public const string TokenReviews = "/apis/authentication.k8s.io/v1/tokenreviews";
    public const string AccessReviews = "/apis/authorization.k8s.io/v1/subjectaccessreviews";

    private readonly ApiConnection _connection;
    private readonly ScrapeServer _server;
    private readonly HttpClient _client;

    private Scraped(ScrapeSettings settings)
    {
        _connection = new ApiConnection(
            () => new KubernetesClientConfiguration { Host = Api.Address },
            Time
        );
        var store = new StatusStore(Time);
        store.Put(ServedStatus.Node(7));
        _server = new ScrapeServer(
            settings,
            new MetricsPage(store, new RunDelays(_ => null, Time), vmMetrics: false),
            _connection,
            Time,
            NullLogger<ScrapeServer>.Instance
        );
        _client = new HttpClient(
            new SocketsHttpHandler
            {
                PooledConnectionLifetime = TimeSpan.Zero,
                SslOptions = new SslClientAuthenticationOptions
                {
                    RemoteCertificateValidationCallback = (_, certificate, _, _) =>
                    {
                        Shown = (certificate as X509Certificate2)?.GetNameInfo(
                            X509NameType.SimpleName,
                            forIssuer: false
                        );
                        return Shown is not null;
                    },
                },
            }
        );
    }

    public FakeApiServer Api { get; } = new();

    public FakeTimeProvider Time { get; } = new();

    public IPEndPoint? Address => _server.Address;

    /// <summary>The name in the certificate that was shown last.</summary>
    public string? Shown { get; private set; }

    public static async Task<Scraped> StartAsync(
        string? certificate = null,
        string? key = null,
        int port = 0
    )
    {
        var scraped = new Scraped(
            new ScrapeSettings(new IPEndPoint(IPAddress.Loopback, port), certificate, key)
        );
        await scraped._server.StartAsync(TestContext.Current.CancellationToken);
        return scraped;
    }

    /// <summary>Asks as Prometheus does.</summary>
    public Task<HttpResponseMessage> GetAsync(string? token, string path = "/metrics") =>
        SendAsync(
            HttpMethod.Get,
            path,
            token is null ? null : new AuthenticationHeaderValue("Bearer", token)
        );

    public async Task<HttpResponseMessage> SendAsync(
        HttpMethod method,
        string path,
        AuthenticationHeaderValue? authorization
    )
    {
        using var request = new HttpRequestMessage(method, new Uri($"https://{Address}{path}"));
        request.Headers.Authorization = authorization;
        return await _client.SendAsync(request, TestContext.Current.CancellationToken);
    }

    /// <summary>Says whose the next token is, and whether they may; returns both questions.</summary>
    public async Task<(string Token, string Access)> AdmitAsync(bool isAllowed = true)
    {
        var token = await Api.NextAsync(TokenReviews);
        await token.RespondAsync(
            201,
            """{"status":{"authenticated":true,"user":{"username":"prometheus","uid":"u1","groups":["system:authenticated"],"extra":{"pod":["p0"]}}}}"""
        );
        var access = await Api.NextAsync(AccessReviews);
        await access.RespondAsync(
            201,
            isAllowed ? """{"status":{"allowed":true}}""" : """{"status":{"allowed":false}}"""
        );
        return (token.Body, access.Body);
    }

    /// <summary>Says that the next token is nobody's.</summary>
    public async Task DisownAsync() =>
        await (await Api.NextAsync(TokenReviews)).RespondAsync(
            201,
            """{"status":{"user":{},"error":"invalid bearer token"}}"""
        );

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _server.StopAsync(TestContext.Current.CancellationToken);
        _server.Dispose();
        _connection.Dispose();
        await Api.DisposeAsync();
    }
}
