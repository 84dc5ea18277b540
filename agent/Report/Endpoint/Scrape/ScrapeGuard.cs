using System.Net;
using System.Security.Cryptography;
using System.Text;
using PinAgent.Kubernetes.Client;
using PinAgent.Observe.Cluster;

namespace PinAgent.Report.Endpoint.Scrape;

/// <summary>
/// Whether the cluster lets the bearer of a token read the metrics. Its answers hold for a minute. Made-up tokens grow
/// no memory, cost the API server no more than a question a second or two, and push nobody out who is known.
/// </summary>
internal sealed class ScrapeGuard(ApiConnection connection, TimeProvider time) : IDisposable
{
    /// <summary>How long an answer holds.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(1);

    /// <summary>How many questions of one kind are on their way at a time.</summary>
    public const int MostQuestions = 4;

    private const int MostAllowed = 64;
    private const int MostRefused = 256;

    // By the token's hash: a dump of the agent's memory has none that is valid.
    private readonly ShortMemory<Admission> _allowed = new(MostAllowed, Lifetime, time);
    private readonly ShortMemory<Admission> _refused = new(MostRefused, Lifetime, time);
    private readonly QuestionBudget _budget = new(time);
    private readonly SemaphoreSlim _placesOfTheAllowed = new(MostQuestions);
    private readonly SemaphoreSlim _placesOfStrangers = new(MostQuestions);

    /// <summary>The answer, the cluster's or a remembered one; null if too much is asked.</summary>
    /// <exception cref="ApiException">It can't be had, or not in time.</exception>
    public async Task<Admission?> AskAsync(string token, IPAddress? from, CancellationToken stop)
    {
        var key = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(token)));
        if (IsRemembered(key, out var admission))
        {
            return admission;
        }

        var wasAllowed = _allowed.WasKnown(key);
        if (!_budget.TryTake(from, wasAllowed))
        {
            return null;
        }

        using var limit = new CancellationTokenSource(HttpServer.Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, limit.Token);
        try
        {
            admission = await AskInTurnAsync(
                token,
                key,
                wasAllowed ? _placesOfTheAllowed : _placesOfStrangers,
                either.Token
            );
            if (admission == Admission.Allowed)
            {
                _budget.NoteAllowed(from);
            }

            return admission;
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            throw new ApiException(
                new(
                    ApiProblemKind.Trouble,
                    $"no answer within {HttpServer.Patience.TotalSeconds:0} s"
                )
            );
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _placesOfTheAllowed.Dispose();
        _placesOfStrangers.Dispose();
    }

    private async Task<Admission> AskInTurnAsync(
        string token,
        string key,
        SemaphoreSlim places,
        CancellationToken stop
    )
    {
        await places.WaitAsync(stop);
        try
        {
            // Another request with the same token may have asked meanwhile.
            if (!IsRemembered(key, out var admission))
            {
                admission = await TokenSurvey.AskAsync(connection, token, MetricsPage.Path, stop);
                Remember(key, admission);
            }

            return admission;
        }
        finally
        {
            places.Release();
        }
    }

    private bool IsRemembered(string key, out Admission admission) =>
        _allowed.TryGet(key, out admission) || _refused.TryGet(key, out admission);

    private void Remember(string key, Admission admission)
    {
        if (admission == Admission.Allowed)
        {
            _allowed.Put(key, admission);
        }
        else
        {
            _allowed.Remove(key);
            _refused.Put(key, admission);
        }
    }
}
