using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Observe.Neighbours;
using Xunit;

namespace PinAgent.Tests.Observe.Neighbours;

/// <summary>
/// Who runs on a CPU for which a vCPU waits. The lines have the form of Linux 6.18's <c>/proc/PID/stat</c>.
/// </summary>
public sealed class CpuTakerTests : IDisposable
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly FakeHost _host = new();
    private readonly CpuTakers _takers;

    public CpuTakerTests() => _takers = new CpuTakers(_host.Root, TimeProvider.System);

    public void Dispose() => _host.Dispose();

    [Fact]
    public void Whose_threads_ran_there_is_told_with_the_share_of_the_time()
    {
        Process(812, "stress", 100, (812, 3, 0), (813, 3, 60), (814, 2, 40));
        Process(900, "idle", 500, (900, 3, 500));
        _takers.Begin();
        Process(812, "stress", 200, (812, 3, 0), (813, 3, 110), (814, 2, 90));
        _takers.Narrow();
        Process(812, "stress", 300, (812, 3, 0), (813, 3, 180), (814, 2, 120));

        Assert.Equal([new CpuTaker(812, "stress", 3, 0.7)], _takers.End(CpuSet.Parse("3"), Second));
    }

    [Fact]
    public void The_busiest_comes_first_and_whoever_ran_for_next_to_nothing_is_not_told_of()
    {
        foreach (var step in (ulong[])[1, 2, 3])
        {
            Process(10, "much", 60 * step, (10, 3, 60 * step));
            Process(20, "some", 30 * step, (20, 3, 30 * step));
            Process(30, "hardly", step, (30, 3, step));
            Process(40, "elsewhere", 90 * step, (40, 1, 90 * step));
            (
                step == 1 ? _takers.Begin
                : step == 2 ? _takers.Narrow
                : (Action)(() => { })
            )();
        }

        Assert.Equal(
            ["much", "some"],
            _takers.End(CpuSet.Parse("0,3"), Second).Select(taker => taker.Comm)
        );
    }

    [Fact]
    public void Only_the_busiest_processes_and_so_many_threads_are_looked_into()
    {
        const int Processes = CpuTakers.MostProcesses + 4;
        foreach (var step in (ulong[])[1, 2, 3])
        {
            for (var n = 1; n <= Processes; n++)
            {
                Process(n, $"p{n}", (ulong)n * 10 * step, (n, 3, (ulong)n * 5 * step));
            }

            (
                step == 1 ? _takers.Begin
                : step == 2 ? _takers.Narrow
                : (Action)(() => { })
            )();
        }

        var told = _takers.End(CpuSet.Parse("3"), Second);
        Assert.Equal(CpuTakers.MostProcesses, told.Length);
        Assert.Equal($"p{Processes}", told[0].Comm);

        _takers.Begin();
        Process(
            7000,
            "crowd",
            9000,
            [.. Enumerable.Range(7000, CpuTakers.MostThreads + 50).Select(tid => (tid, 3, 9UL))]
        );
        _takers.Narrow();
        Assert.Equal(CpuTakers.MostThreads, _takers.Threads);
    }

    [Fact]
    public void Another_process_that_has_got_the_id_meanwhile_is_not_the_one_before()
    {
        Process(10, "one", 5000, (10, 3, 5000));
        _takers.Begin();
        Process(10, "two", 20, start: 777, (10, 3, 20));
        _takers.Narrow();
        Process(10, "two", 70, start: 777, (10, 3, 70));

        Assert.Equal([new CpuTaker(10, "two", 3, 0.5)], _takers.End(CpuSet.Parse("3"), Second));
    }

    private void Process(
        int pid,
        string comm,
        ulong ticks,
        params (int Tid, int Cpu, ulong Ticks)[] threads
    ) => Process(pid, comm, ticks, start: 77, threads);

    private void Process(
        int pid,
        string comm,
        ulong ticks,
        ulong start,
        params (int Tid, int Cpu, ulong Ticks)[] threads
    )
    {
        _host.Write($"/proc/{pid}/stat", Line(pid, comm, 0, ticks, start));
        foreach (var (tid, cpu, own) in threads)
        {
            _host.Write($"/proc/{pid}/task/{tid}/stat", Line(tid, comm, cpu, own, start));
        }
    }

    private static string Line(int id, string comm, int cpu, ulong ticks, ulong start) =>
        $"{id} ({comm}) R 1 {id} {id} 0 -1 4194304 173 0 0 0 {ticks} 0 0 0 20 0 1 0 {start} 5980160 241 "
        + "18446744073709551615 94 95 14 0 0 0 0 0 0 0 0 0 17 "
        + $"{cpu} 0 0 0 0 0 95 95 95 14 14 14 14 0\n";
}
