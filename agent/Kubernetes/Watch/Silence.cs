using PinAgent.Kubernetes.Client;

namespace PinAgent.Kubernetes.Watch;

/// <summary>Notices that nothing has been read for too long: a connection can be dead without saying so.</summary>
internal sealed class Silence : IDisposable
{
    private readonly TimeSpan _limit;
    private readonly CancellationToken _stop;
    private readonly CancellationTokenSource _over;
    private readonly CancellationTokenSource _either;

    public Silence(TimeSpan limit, TimeProvider time, CancellationToken stop)
    {
        (_limit, _stop) = (limit, stop);
        _over = new CancellationTokenSource(limit, time);
        _either = CancellationTokenSource.CreateLinkedTokenSource(stop, _over.Token);
    }

    /// <summary>Reads something; the limit holds from now on.</summary>
    /// <exception cref="ApiException">The limit is over.</exception>
    public async ValueTask<T> WatchAsync<T>(Func<CancellationToken, ValueTask<T>> read)
    {
        _over.CancelAfter(_limit);
        try
        {
            return await read(_either.Token);
        }
        catch (Exception problem)
            when (_over.IsCancellationRequested && !_stop.IsCancellationRequested)
        {
            throw new ApiException(
                new(ApiProblemKind.Trouble, $"nothing came for {_limit.TotalSeconds:0} s"),
                problem
            );
        }
    }

    public void Dispose()
    {
        _either.Dispose();
        _over.Dispose();
    }
}
