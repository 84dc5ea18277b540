using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using k8s;
using k8s.Authentication;
using PinAgent.Model.Text;

namespace PinAgent.Kubernetes.Client;

/// <summary>
/// The client of one configuration. Configuration, credentials and the trust in the server's certificate are
/// KubernetesClient's; its client class isn't used, for that brings every model of the API into a compiled agent.
/// </summary>
internal sealed class ApiClient : IDisposable
{
    private readonly HttpClient _http;
    private readonly ServiceClientCredentials? _credentials;
    private readonly string? _serverName;

    public ApiClient(KubernetesClientConfiguration config)
    {
        Server = new Uri(config.Host.TrimEnd('/') + '/');
        _serverName = config.TlsServerName;
        _credentials = k8s.Kubernetes.CreateCredentials(config);
        _http = new HttpClient(
            new SocketsHttpHandler
            {
                AllowAutoRedirect = false,
                // No limit for connecting: that for the answer holds for it too, and goes by the connection's clock.
                // A dead connection is noticed while watches are silent.
                KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
                KeepAlivePingDelay = TimeSpan.FromSeconds(60),
                KeepAlivePingTimeout = TimeSpan.FromSeconds(30),
                EnableMultipleHttp2Connections = true,
                SslOptions = Tls(config),
            }
        )
        {
            Timeout = Timeout.InfiniteTimeSpan,
            DefaultRequestVersion = HttpVersion.Version20,
        };
        _http.DefaultRequestHeaders.Add("Accept", "application/json");
        _http.DefaultRequestHeaders.Add("User-Agent", "pinagent");
    }

    public Uri Server { get; }

    public async Task<HttpResponseMessage> SendAsync(
        HttpMethod method,
        string path,
        HttpContent? content,
        CancellationToken stop
    )
    {
        using var request = new HttpRequestMessage(method, new Uri(Server, path.TrimStart('/')))
        {
            Version = HttpVersion.Version20,
            Content = content,
        };
        if (!string.IsNullOrEmpty(_serverName))
        {
            request.Headers.Host = _serverName;
        }

        await AuthenticateAsync(request, stop);
        return await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stop);
    }

    public void Dispose() => _http.Dispose();

    private async Task AuthenticateAsync(HttpRequestMessage request, CancellationToken stop)
    {
        if (_credentials is null)
        {
            return;
        }

        try
        {
            await _credentials.ProcessHttpRequestAsync(request, stop);
        }
        catch (Exception problem) when (problem is not OperationCanceledException)
        {
            // A token's file that isn't there, a plugin that fails: each has exceptions of its own.
            throw new ApiException(
                new(
                    ApiProblemKind.Unauthorized,
                    $"no credentials: {FileProblem.DescribeWithPath(problem.GetBaseException())}"
                ),
                problem
            );
        }
    }

    private static SslClientAuthenticationOptions Tls(KubernetesClientConfiguration config)
    {
        var options = new SslClientAuthenticationOptions();
        if (config.SkipTlsVerify || config.SslCaCerts is not null)
        {
            options.RemoteCertificateValidationCallback = (sender, certificate, chain, errors) =>
                config.SkipTlsVerify
                || (
                    certificate is not null
                    && chain is not null
                    && k8s.Kubernetes.CertificateValidationCallBack(
                        sender,
                        config.SslCaCerts,
                        certificate,
                        chain,
                        errors
                    )
                );
        }

        if (ClientCertificate(config) is { } own)
        {
            options.ClientCertificates = [own];
            options.LocalCertificateSelectionCallback = (_, _, _, _, _) => own;
        }

        return options;
    }

    private static X509Certificate2? ClientCertificate(KubernetesClientConfiguration config) =>
        config switch
        {
            { ClientCertificateData: { } certificate, ClientCertificateKeyData: { } key } =>
                X509Certificate2.CreateFromPem(Pem(certificate), Pem(key)),
            { ClientCertificateFilePath: { } certificate, ClientKeyFilePath: { } key } =>
                X509Certificate2.CreateFromPemFile(certificate, key),
            _ => null,
        };

    private static string Pem(string base64) =>
        Encoding.UTF8.GetString(Convert.FromBase64String(base64));
}
