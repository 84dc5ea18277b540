using System.Net;

namespace PinAgent.Observe.Kubelet;

/// <summary>
/// How long a kubelet is waited for: from the connection's beginning, and again from each question's. The clock starts
/// before the kubelet can hear of it, so that there's no moment at which a silent one is waited for without end.
/// </summary>
internal sealed class KubeletPatience : IDisposable
{
    private readonly TimeSpan _limit;
    private readonly CancellationTokenSource _end;
    private readonly CancellationTokenSource _either;

    /// <summary>Creates a patience whose clock stands.</summary>
    /// <param name="limit">How long one turn may take.</param>
    public KubeletPatience(TimeSpan limit, TimeProvider time, CancellationToken stop)
    {
        _limit = limit;
        _end = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        _either = CancellationTokenSource.CreateLinkedTokenSource(stop, _end.Token);
    }

    /// <summary>Ends with it.</summary>
    public CancellationToken End => _either.Token;

    /// <summary>It's the kubelet's turn now, for the whole limit.</summary>
    public void Begin() => _end.CancelAfter(_limit);

    /// <summary>A handler that starts the clock anew with each request.</summary>
    public HttpMessageHandler Around(HttpMessageHandler handler) => new Handler(this, handler);

    /// <inheritdoc/>
    public void Dispose()
    {
        _either.Dispose();
        _end.Dispose();
    }

    private sealed class Handler(KubeletPatience patience, HttpMessageHandler inner)
        : DelegatingHandler(inner)
    {
        protected override Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request,
            CancellationToken cancellationToken
        )
        {
            if (request.Content is { } content)
            {
                request.Content = new TimedContent(content, patience.Begin);
            }

            return base.SendAsync(request, cancellationToken);
        }
    }

    // Says when there is a connection to write to.
    private sealed class TimedContent : HttpContent
    {
        private readonly HttpContent _content;
        private readonly Action _begin;

        public TimedContent(HttpContent content, Action begin)
        {
            (_content, _begin) = (content, begin);
            foreach (var header in content.Headers)
            {
                Headers.TryAddWithoutValidation(header.Key, header.Value);
            }
        }

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            _begin();
            return _content.CopyToAsync(stream, context);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                _content.Dispose();
            }

            base.Dispose(disposing);
        }
    }
}
