using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using PinAgent.NativeInterop.Files;

namespace PinAgent.Report.Endpoint.Scrape;

/// <summary>
/// The certificate to show: of two PEM files, which may be replaced at any time, or one made at the start. While the
/// files aren't a pair the certificate before them stays.
/// </summary>
internal sealed partial class ServerCertificates(ScrapeSettings settings, ILogger logger)
{
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";

    // A chain of certificates has some kilobytes.
    private const int LargestFile = 256 * 1024;

    private readonly Lock _lock = new();
    private SslStreamCertificateContext? _current;
    private (string Certificate, string Key) _read;
    private string? _told;

    /// <summary>The certificate now; null as long as there hasn't been one. Looks at the files.</summary>
    public SslStreamCertificateContext? Current()
    {
        lock (_lock)
        {
            if (settings is { Certificate: { } certificate, Key: { } key })
            {
                Look(certificate, key);
            }
            else
            {
                _current ??= SslStreamCertificateContext.Create(MakeOne(), null, offline: true);
            }

            return _current;
        }
    }

    private void Look(string certificate, string key)
    {
        try
        {
            var read = (
                OwnFile.ReadText(certificate, LargestFile),
                OwnFile.ReadText(key, LargestFile)
            );
            if (read != _read)
            {
                _current = Understand(read.Item1, read.Item2);
                _read = read;
            }

            _told = null;
        }
        catch (Exception problem)
            when (problem
                    is IOException
                        or UnauthorizedAccessException
                        or CryptographicException
                        or ArgumentException
            )
        {
            if (_told != problem.Message)
            {
                _told = problem.Message;
                LogNoPair(
                    certificate,
                    key,
                    problem.Message,
                    _current is null ? "no metrics until it is there" : "the one before stays"
                );
            }
        }
    }

    private static SslStreamCertificateContext Understand(string certificate, string key)
    {
        var chain = new X509Certificate2Collection();
        chain.ImportFromPem(certificate);
        return SslStreamCertificateContext.Create(
            X509Certificate2.CreateFromPem(certificate, key),
            chain,
            offline: true
        );
    }

    private static X509Certificate2 MakeOne()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=pinagent", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(
            new X509EnhancedKeyUsageExtension([new Oid(ServerAuthentication)], critical: false)
        );
        var now = TimeProvider.System.GetUtcNow();
        return request.CreateSelfSigned(now.AddHours(-1), now.AddYears(10));
    }

    [LoggerMessage(
        44,
        LogLevel.Warning,
        "Metrics: {Certificate} and {Key}: expected a certificate and its key in PEM, found: {Problem}: {Consequence}"
    )]
    private partial void LogNoPair(
        string certificate,
        string key,
        string problem,
        string consequence
    );
}
