using System.Collections.Immutable;
using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using PinAgent.Loop;
using PinAgent.Model.Changes;
using PinAgent.Observe.Events;
using PinAgent.Report.Status;
using PinAgent.State;
using Xunit;

namespace PinAgent.Tests.Loop;

/// <summary>A pass that meets a file that fails where nobody has foreseen it, as openat(2) may with EIO or EMFILE at any time.</summary>
public sealed class FailedPassTests : IAsyncLifetime
{
    private readonly PassRequests _requests = new();
    private readonly Channel<VmChange> _added = Channel.CreateUnbounded<VmChange>();
    private readonly TaskCompletionSource _failed = new();
    private readonly OneVmHost _one;
    private readonly PinLoop _loop;
    private Exception? _failure;

    public FailedPassTests()
    {
        _one = new OneVmHost(_ => new PassSurroundings { CpusetsWritten = Fail });
        _loop = new PinLoop(
            _one.Pass,
            TimeSpan.FromHours(1),
            _requests,
            new StatusStore(TimeProvider.System),
            new HistoryFile(_one.Host.PathOf("/state/changes.jsonl"))
            {
                Added = changes =>
                    changes.ToList().ForEach(change => _added.Writer.TryWrite(change)),
            },
            TimeProvider.System,
            NullLogger<PinLoop>.Instance
        );
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _loop.StopAsync(TestContext.Current.CancellationToken);
        _loop.Dispose();
        _one.Dispose();
    }

    [Theory(Timeout = Patience.Hang)]
    [InlineData(typeof(IOException))]
    [InlineData(typeof(UnauthorizedAccessException))]
    [InlineData(typeof(InvalidDataException))]
    public async Task It_comes_to_nothing_and_the_next_is_as_ever(Type failure)
    {
        await _loop.StartAsync(TestContext.Current.CancellationToken);
        await UntilAsync(VmChangeKind.Begun);

        Volatile.Write(ref _failure, (Exception)Activator.CreateInstance(failure)!);
        _requests.LookForChanges();
        await _failed.Task.WaitAsync(TestContext.Current.CancellationToken);
        Volatile.Write(ref _failure, null);
        _one.Host.Delete("/proc/100");
        _requests.LookForChanges();

        await UntilAsync(VmChangeKind.Ended);
        Assert.False(_loop.ExecuteTask!.IsCompleted);
    }

    private ImmutableHashSet<string>? Fail()
    {
        if (Volatile.Read(ref _failure) is { } failure)
        {
            _failed.TrySetResult();
            throw failure;
        }

        return null;
    }

    private async Task UntilAsync(VmChangeKind kind)
    {
        while ((await NextAsync()).Kind != kind) { }
    }

    // Fails at once where the loop has ended.
    private async Task<VmChange> NextAsync()
    {
        var next = _added.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask();
        if (await Task.WhenAny(next, _loop.ExecuteTask!) != next)
        {
            await _loop.ExecuteTask!;
        }

        return await next;
    }
}
