using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Xunit;
using static PinAgent.Tests.Report.Endpoint.Scrape.Scraped;

namespace PinAgent.Tests.Report.Endpoint.Scrape;

/// <summary>Certificates as cert-manager leaves them, through the kubelet: files behind a symlink that is renamed.</summary>
public sealed class CertificateTests : IDisposable
{
    private const int Timeout = Patience.Hang;
    private readonly string _folder = Directory.CreateTempSubdirectory("pinagent-test-").FullName;

    private string Certificate => Path.Combine(_folder, "tls.crt");

    private string Key => Path.Combine(_folder, "tls.key");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact(Timeout = Timeout)]
    public async Task A_replaced_certificate_is_shown_at_the_next_connection()
    {
        Publish("first");
        File.CreateSymbolicLink(Certificate, "now/tls.crt");
        File.CreateSymbolicLink(Key, "now/tls.key");
        await using var scraped = await StartAsync(Certificate, Key);
        Assert.Equal("first", await ShownAsync(scraped));

        Publish("second");

        Assert.Equal("second", await ShownAsync(scraped));
    }

    [Fact(Timeout = Timeout)]
    public async Task Half_written_the_one_before_stays()
    {
        Write(_folder, "whole");
        await using var scraped = await StartAsync(Certificate, Key);
        Assert.Equal("whole", await ShownAsync(scraped));
        var key = await File.ReadAllTextAsync(Key, TestContext.Current.CancellationToken);

        Write(_folder, "next");
        var next = await File.ReadAllTextAsync(Key, TestContext.Current.CancellationToken);
        foreach (var half in (string[])[key, "", next[..(next.Length / 2)]])
        {
            await File.WriteAllTextAsync(Key, half, TestContext.Current.CancellationToken);
            Assert.Equal("whole", await ShownAsync(scraped));
        }

        File.Delete(Key);
        Assert.Equal("whole", await ShownAsync(scraped));
        await File.WriteAllTextAsync(Key, next, TestContext.Current.CancellationToken);
        Assert.Equal("next", await ShownAsync(scraped));
    }

    [Fact(Timeout = Timeout)]
    public async Task Files_that_come_later_are_taken_then()
    {
        await using var scraped = await StartAsync(Certificate, Key);
        await Assert.ThrowsAsync<HttpRequestException>(() => scraped.GetAsync(null));

        Write(_folder, "late");

        Assert.Equal("late", await ShownAsync(scraped));
    }

    [Fact(Timeout = Timeout)]
    public async Task Without_files_there_is_one_that_the_agent_made()
    {
        await using var scraped = await StartAsync();

        Assert.Equal("pinagent", await ShownAsync(scraped));
    }

    // As the kubelet updates a secret's folder.
    private void Publish(string name)
    {
        Write(Directory.CreateDirectory(Path.Combine(_folder, name)).FullName, name);
        var link = Path.Combine(_folder, "next");
        File.CreateSymbolicLink(link, name);
        // .NET's own moves don't rename a link to a folder over another one.
        using var move = Process.Start("mv", ["-T", link, Path.Combine(_folder, "now")]);
        move.WaitForExit();
        Assert.Equal(0, move.ExitCode);
    }

    private static void Write(string folder, string name)
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
        File.WriteAllText(Path.Combine(folder, "tls.crt"), certificate.ExportCertificatePem());
        File.WriteAllText(Path.Combine(folder, "tls.key"), key.ExportPkcs8PrivateKeyPem());
    }

    private static async Task<string?> ShownAsync(Scraped scraped)
    {
        using var response = await scraped.GetAsync(null);
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        return scraped.Shown;
    }
}
