using System.Diagnostics;
using PinAgent.NativeInterop;
using Xunit;

namespace PinAgent.Tests.Native;

/// <summary>How soon the kernel gives a thread of this process a CPU.</summary>
public sealed class SchedPriorityTests
{
    private const int Timeout = Patience.Hang;

    [Fact(Timeout = Timeout)]
    public async Task A_thread_is_what_it_was_raised_to_and_a_program_that_it_starts_is_a_usual_one()
    {
        var (before, raised, itself, started, again) = await OnThreadOfItsOwnAsync(() =>
        {
            var usual = Scheduling("thread-self");
            var urgency = SchedPriority.Raise();
            var mine = Scheduling("thread-self");
            using var child = Process.Start("sleep", "inf");
            var its = Scheduling($"{child.Id}");
            child.Kill();
            child.WaitForExit();
            SchedPriority.Reset();
            return (usual, urgency, mine, its, Scheduling("thread-self"));
        });

        // The suite may run behind others, with a nice value of its own.
        var usual = raised == Urgency.Usual ? before : "policy 0, priority 0, nice 0";
        Assert.Equal(
            raised switch
            {
                Urgency.RealTime => $"policy 1, priority 1, nice {before.Split(' ')[^1]}",
                Urgency.Favoured => "policy 0, priority 0, nice -20",
                _ => usual,
            },
            itself
        );
        Assert.Equal((usual, usual), (started, again));
    }

    private static Task<T> OnThreadOfItsOwnAsync<T>(Func<T> look) =>
        Task.Factory.StartNew(
            look,
            TestContext.Current.CancellationToken,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default
        );

    // Fields 19, 40 and 41 of proc(5); the first behind the name is the third.
    private static string Scheduling(string who)
    {
        var fields = File.ReadAllText($"/proc/{who}/stat").Split(')')[^1].Split(' ')[1..];
        return $"policy {fields[38]}, priority {fields[37]}, nice {fields[16]}";
    }
}
