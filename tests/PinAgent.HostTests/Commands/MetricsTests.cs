using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using CliWrap;
using CliWrap.Buffered;
using PinAgent.HostTests.Cluster;
using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Commands;

/// <summary>A Prometheus elsewhere, with the tokens of a real API server.</summary>
[Trait("lane", "cluster")]
public sealed class MetricsTests : IDisposable
{
    private const int Timeout = Patience.Hang;

    private readonly string _account = $"reader-{Guid.NewGuid():N}";
    private readonly string _folder = Directory.CreateTempSubdirectory("pinagent-test-").FullName;
    private string? _shown;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact(Timeout = Timeout)]
    public async Task Who_has_the_right_reads_the_metrics_and_nobody_else()
    {
        ControlPlane.Require();
        var (reader, stranger) = await GrantAsync();
        WriteCertificate("first");
        await using var agent = Start(
            "--metrics-cert",
            $"{_folder}/tls.crt",
            "--metrics-key",
            $"{_folder}/tls.key"
        );
        var address = await AddressAsync(agent);

        var (code, text) = await GetAsync(address, reader);

        Assert.Equal((HttpStatusCode.OK, "first"), (code, _shown));
        Assert.Contains("\npinagent_unpinned_seconds_total 0\n", text, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Forbidden, (await GetAsync(address, stranger)).Code);
        Assert.Equal(HttpStatusCode.Unauthorized, (await GetAsync(address, "garbage")).Code);
        Assert.Equal(HttpStatusCode.Unauthorized, (await GetAsync(address, null)).Code);

        WriteCertificate("second");
        await GetAsync(address, reader);
        Assert.Equal("second", _shown);
        await ParseAsync(text);
    }

    [Fact(Timeout = Timeout)]
    public async Task While_the_API_server_is_away_only_those_it_has_just_let_in_read_the_metrics()
    {
        ControlPlane.Require();
        var (reader, stranger) = await GrantAsync();
        await using var agent = Start();
        var address = await AddressAsync(agent);
        Assert.Equal(HttpStatusCode.OK, (await GetAsync(address, reader)).Code);

        await ControlPlane.ControlAsync("stop-apiserver");
        try
        {
            Assert.Equal(HttpStatusCode.OK, (await GetAsync(address, reader)).Code);
            var (code, text) = await GetAsync(address, stranger);
            Assert.Equal(HttpStatusCode.ServiceUnavailable, code);
            Assert.Contains("the API server can't be asked", text, StringComparison.Ordinal);
        }
        finally
        {
            await ControlPlane.ControlAsync("start-apiserver");
        }
    }

    private async Task<(string Reader, string Stranger)> GrantAsync()
    {
        var reader = await ControlPlane.CreateTokenAsync(_account);
        var stranger = await ControlPlane.CreateTokenAsync($"{_account}-not");
        await ControlPlane.KubectlAsync(
            "apply",
            "-f",
            Paths.InRepository("deploy/monitoring/rbac.yaml")
        );
        await ControlPlane.KubectlAsync(
            "create",
            "clusterrolebinding",
            _account,
            "--clusterrole=pinagent-metrics-reader",
            $"--serviceaccount=default:{_account}"
        );
        await ControlPlane.GrantedAsync("pinagent:agent", "tokenreviews.authentication.k8s.io");
        await ControlPlane.GrantedAsync($"default:{_account}", "[/metrics]");
        return (reader, stranger);
    }

    private AgentLoop Start(params string[] arguments) =>
        AgentLoop.InCluster([
            .. ControlPlane.JoinArguments(_folder),
            "--metrics-listen",
            "127.0.0.1:0",
            .. arguments,
        ]);

    private static async Task<Uri> AddressAsync(AgentLoop agent)
    {
        // The first pass may come before the listener or after it.
        var line = (await agent.WaitForLogsAsync("Metrics at https://", "looking every"))[0];
        return new Uri(line[line.IndexOf("https://", StringComparison.Ordinal)..].Trim());
    }

    // Each time a new connection, as Prometheus' are by then.
    private async Task<(HttpStatusCode Code, string Text)> GetAsync(Uri address, string? token)
    {
        using var client = new HttpClient(
            new SocketsHttpHandler
            {
                SslOptions = new SslClientAuthenticationOptions
                {
                    RemoteCertificateValidationCallback = (_, certificate, _, _) =>
                    {
                        _shown = (certificate as X509Certificate2)?.GetNameInfo(
                            X509NameType.SimpleName,
                            forIssuer: false
                        );
                        return _shown is not null;
                    },
                },
            }
        );
        client.DefaultRequestHeaders.Authorization = token is null ? null : new("Bearer", token);
        using var response = await client.GetAsync(address, Stop);
        return (response.StatusCode, await response.Content.ReadAsStringAsync(Stop));
    }

    private static async Task ParseAsync(string text)
    {
        var promtool = Environment.GetEnvironmentVariable("PROMTOOL") ?? "/usr/bin/promtool";
        Assert.SkipUnless(
            File.Exists(promtool),
            "all but the text's form is checked: needs promtool"
        );
        var result = await Cli.Wrap(promtool)
            .WithArguments(["check", "metrics"])
            .WithStandardInputPipe(PipeSource.FromString(text))
            .WithValidation(CommandResultValidation.None)
            .ExecuteBufferedAsync(Stop);
        Assert.True(result.ExitCode == 0, result.StandardError);
    }

    private void WriteCertificate(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest(
            $"CN={name}",
            key,
            HashAlgorithmName.SHA256
        ).CreateSelfSigned(
            TimeProvider.System.GetUtcNow().AddDays(-1),
            TimeProvider.System.GetUtcNow().AddDays(1)
        );
        File.WriteAllText($"{_folder}/tls.crt", certificate.ExportCertificatePem());
        File.WriteAllText($"{_folder}/tls.key", key.ExportPkcs8PrivateKeyPem());
    }
}
