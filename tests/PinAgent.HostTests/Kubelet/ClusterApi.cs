using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using PinAgent.HostTests.Cluster;
using Xunit;

namespace PinAgent.HostTests.Kubelet;

/// <summary>
/// The API server, asked as the administrator. By HTTP: kubectl takes half a minute for a call on an emulated CPU.
/// </summary>
internal static class ClusterApi
{
    private static readonly Lazy<HttpClient> Http = new(Connect);

    /// <summary>Creates an object from YAML.</summary>
    /// <param name="path">The path of its kind's list.</param>
    /// <param name="yaml">The object.</param>
    public static async Task<JsonNode> CreateAsync(string path, string yaml) =>
        (await SendAsync(HttpMethod.Post, path, "application/yaml", yaml))!;

    /// <summary>An object or a list; null if there is none.</summary>
    public static Task<JsonNode?> GetAsync(string path) => SendAsync(HttpMethod.Get, path);

    /// <summary>Changes some fields of an object.</summary>
    public static Task<JsonNode?> MergeAsync(string path, string json) =>
        SendAsync(HttpMethod.Patch, path, "application/merge-patch+json", json);

    /// <summary>Deletes an object, if it's there, and waits until it's gone.</summary>
    public static async Task DeleteAsync(string path)
    {
        await SendAsync(HttpMethod.Delete, path);
        await Until.EqualAsync(true, async () => await GetAsync(path) is null);
    }

    private static async Task<JsonNode?> SendAsync(
        HttpMethod method,
        string path,
        string? type = null,
        string body = ""
    )
    {
        using var request = new HttpRequestMessage(method, path);
        if (type is not null)
        {
            request.Content = new StringContent(body, Encoding.UTF8);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue(type);
        }

        using var response = await Http.Value.SendAsync(
            request,
            TestContext.Current.CancellationToken
        );
        var answer = await response.Content.ReadAsStringAsync(
            TestContext.Current.CancellationToken
        );
        if (response.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }

        Assert.True(response.IsSuccessStatusCode, $"{method} {path}: {answer}");
        return JsonNode.Parse(answer);
    }

    // The kubeconfig is the lane's: control-plane.sh writes each field on a line of its own, in PEM and base64.
    private static HttpClient Connect()
    {
        var fields = File.ReadLines(ControlPlane.AdminKubeConfig)
            .Select(line => line.Trim().Split(": ", 2))
            .Where(pair => pair.Length == 2)
            .ToLookup(pair => pair[0], pair => pair[1], StringComparer.Ordinal);
        string Pem(string field) =>
            Encoding.ASCII.GetString(Convert.FromBase64String(fields[field].Single()));

        var handler = new SocketsHttpHandler
        {
            SslOptions = new SslClientAuthenticationOptions
            {
                ClientCertificates =
                [
                    X509Certificate2.CreateFromPem(
                        Pem("client-certificate-data"),
                        Pem("client-key-data")
                    ),
                ],
                CertificateChainPolicy = new X509ChainPolicy
                {
                    TrustMode = X509ChainTrustMode.CustomRootTrust,
                    RevocationMode = X509RevocationMode.NoCheck,
                    CustomTrustStore =
                    {
                        X509Certificate2.CreateFromPem(Pem("certificate-authority-data")),
                    },
                },
            },
        };
        return new HttpClient(handler)
        {
            BaseAddress = new Uri(fields["server"].Single()),
            // The tests' own timeout ends what hangs: on an emulated CPU the first TLS handshake takes a minute.
            Timeout = Timeout.InfiniteTimeSpan,
        };
    }
}
