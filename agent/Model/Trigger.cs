using System.Threading.Channels;

namespace PinAgent.Model;

/// <summary>"Something has changed", from anywhere to one who waits; what comes while nobody waits counts once.</summary>
internal sealed class Trigger
{
    private readonly Channel<bool> _channel = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite }
    );

    /// <summary>Something has changed.</summary>
    public void Set() => _channel.Writer.TryWrite(true);

    /// <summary>Waits for a change, or returns at once if there was one since the last call.</summary>
    public async Task WaitAsync(CancellationToken stop) => await _channel.Reader.ReadAsync(stop);
}
