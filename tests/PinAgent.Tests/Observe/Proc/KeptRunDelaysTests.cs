using PinAgent.Observe.Proc;
using Xunit;

namespace PinAgent.Tests.Observe.Proc;

/// <summary>The waits of threads of this process, from files that are held open.</summary>
public sealed class KeptRunDelaysTests
{
    private const int Timeout = Patience.Hang;

    [Fact(Timeout = Timeout)]
    public async Task What_a_held_file_says_is_as_new_as_what_one_says_that_is_opened()
    {
        using var sleeper = await Sleeper.StartAsync();
        using var kept = new KeptRunDelays("/");
        using var opened = new RunDelayReader("/");

        for (var turn = 0; turn < 3; turn++)
        {
            await sleeper.WakeAsync();
            Assert.NotNull(kept.Read(Environment.ProcessId, sleeper.Tid));
            Assert.Equal(opened.Read(sleeper.Tid), kept.Read(Environment.ProcessId, sleeper.Tid));
        }

        Assert.Equal(1, kept.Held);
    }

    [Fact(Timeout = Timeout)]
    public async Task The_file_of_a_thread_that_has_ended_is_closed()
    {
        using var kept = new KeptRunDelays("/");
        int tid;
        using (var sleeper = await Sleeper.StartAsync())
        {
            tid = sleeper.Tid;
            Assert.NotNull(kept.Read(Environment.ProcessId, tid));
        }

        // The kernel takes a thread down a moment after it was joined.
        while (kept.Read(Environment.ProcessId, tid) is not null)
        {
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            await Task.Yield();
        }

        Assert.Equal(0, kept.Held);
    }

    [Fact(Timeout = Timeout)]
    public async Task No_more_files_are_held_than_it_may_and_the_others_are_read_all_the_same()
    {
        using var one = await Sleeper.StartAsync();
        using var two = await Sleeper.StartAsync();
        using var kept = new KeptRunDelays("/", most: 1);

        Assert.NotNull(kept.Read(Environment.ProcessId, one.Tid));
        Assert.NotNull(kept.Read(Environment.ProcessId, two.Tid));
        Assert.Equal(1, kept.Held);

        kept.Keep(new HashSet<(int, int)> { (Environment.ProcessId, two.Tid) });
        Assert.Equal(0, kept.Held);
        Assert.NotNull(kept.Read(Environment.ProcessId, two.Tid));
        Assert.Equal(1, kept.Held);
    }

    [Fact(Timeout = Timeout)]
    public async Task Another_processs_thread_with_the_id_is_no_thread_of_this_one()
    {
        using var sleeper = await Sleeper.StartAsync();
        using var kept = new KeptRunDelays("/");

        Assert.Null(kept.Read(1, sleeper.Tid));
        Assert.Equal(0, kept.Held);
    }

    /// <summary>A thread that does nothing until it's woken.</summary>
    private sealed class Sleeper : IDisposable
    {
        private readonly SemaphoreSlim _wake = new(0);
        private readonly SemaphoreSlim _woken = new(0);
        private readonly Thread _thread;
        private bool _ends;

        private Sleeper() => _thread = new Thread(Run) { IsBackground = true };

        public int Tid { get; private set; }

        public static async Task<Sleeper> StartAsync()
        {
            var sleeper = new Sleeper();
            sleeper._thread.Start();
            await sleeper.WakeAsync();
            return sleeper;
        }

        /// <summary>Lets it run, and waits until it sleeps again, or is about to.</summary>
        public async Task WakeAsync()
        {
            _wake.Release();
            await _woken.WaitAsync(TestContext.Current.CancellationToken);

            // It may still be on its way to sleep, which costs it a wait or none.
            while (Tid != 0 && !IsAsleep(Tid))
            {
                await Task.Yield();
            }
        }

        public void Dispose()
        {
            _ends = true;
            _wake.Release();
            _thread.Join();
            _wake.Dispose();
            _woken.Dispose();
        }

        private static bool IsAsleep(int tid) =>
            File.ReadAllText($"/proc/self/task/{tid}/stat")
                .Split(')')[^1]
                .StartsWith(" S", StringComparison.Ordinal);

        private void Run()
        {
            Tid = int.Parse(
                File.ResolveLinkTarget("/proc/thread-self", false)!.Name,
                System.Globalization.CultureInfo.InvariantCulture
            );
            while (true)
            {
                _wake.Wait();
                if (_ends)
                {
                    return;
                }

                _woken.Release();
            }
        }
    }
}
