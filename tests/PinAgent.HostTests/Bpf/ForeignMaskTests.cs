using System.Diagnostics;
using PinAgent.HostTests.Harness;
using PinAgent.NativeInterop;
using PinAgent.NativeInterop.Bpf;
using Xunit;

namespace PinAgent.HostTests.Bpf;

/// <summary>
/// What others do to a real thread, with each hook that the kernel has: tracepoints of system calls, and probes in the
/// virtual nodes, whose kernels are Debian's.
/// </summary>
[Trait("also", "node")]
public sealed class ForeignMaskTests : IDisposable
{
    private const int NobodysPid = int.MaxValue;
    private readonly Process _watched = Process.Start("sleep", "600");

    public static TheoryData<MaskHook> Hooks => [MaskHook.Probe, MaskHook.Syscalls];

    [Theory]
    [MemberData(nameof(Hooks))]
    public void A_mask_set_by_taskset_is_told_once_it_stands_and_with_its_author(MaskHook hook)
    {
        using var lane = BpfLane.Open(hook);
        Assert.True(lane.Watch.Follow([_watched.Id]).IsSuccess);
        using var taskset = Process.Start("taskset", ["-p", "-c", "0", $"{_watched.Id}"]);

        var change = lane.Next(ThreadChangeKind.Affinity);

        // Read before anything is known of taskset's end.
        var mask = new ulong[16];
        Assert.True(SchedAffinity.Get(_watched.Id, ref mask).IsSuccess);
        Assert.Equal(1UL, mask[0]);
        Assert.Equal(_watched.Id, change.Number);
        Assert.Equal("taskset", change.ByComm);
        Assert.Equal(taskset.Id, change.ByPid);
        Assert.Equal(taskset.Id, change.ByTid);
        Assert.Equal(1UL, change.Value);
        Assert.False(change.IsHostNumber);
        Assert.InRange(change.AtNanoseconds, 1UL, Now());
        taskset.WaitForExit();
        Assert.Empty(lane.Waiting(ThreadChangeKind.Affinity));
    }

    [Theory]
    [MemberData(nameof(Hooks))]
    public void The_authors_cgroup_is_the_one_the_kernel_says(MaskHook hook)
    {
        using var lane = BpfLane.Open(hook, NobodysPid);
        Assert.SkipUnless(
            lane.Watch.KnowsCgroups,
            "needs the kernel's type information (CONFIG_DEBUG_INFO_BTF)"
        );
        Assert.True(lane.Watch.Follow([_watched.Id]).IsSuccess);
        using var group = new AuthorsCgroup("pinagent-author.slice/session-7.scope");

        Assert.True(group.Run($"taskset -p -c 0 {_watched.Id}"));

        var change = lane.Next(ThreadChangeKind.Affinity);
        Assert.EndsWith(
            "/pinagent-author.slice/session-7.scope",
            change.ByCgroup,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [MemberData(nameof(Hooks))]
    public void A_policy_and_a_priority_set_by_chrt_are_told(MaskHook hook)
    {
        using var lane = BpfLane.Open(hook);
        Assert.True(lane.Watch.Follow([_watched.Id]).IsSuccess);

        var (chrt, isSet) = Foreign.Run("chrt", "--batch", "-p", "0", $"{_watched.Id}");

        Assert.True(isSet);
        var change = lane.Next(ThreadChangeKind.Scheduling);
        Assert.Equal((_watched.Id, chrt, "chrt"), (change.Number, change.ByPid, change.ByComm));
    }

    [Theory]
    [MemberData(nameof(Hooks))]
    public void A_call_that_fails_isnt_told_nor_one_about_a_thread_that_nobody_watches(
        MaskHook hook
    )
    {
        using var lane = BpfLane.Open(hook);
        using var other = Process.Start("sleep", "600");
        try
        {
            Assert.True(lane.Watch.Follow([_watched.Id, other.Id]).IsSuccess);
            Assert.True(lane.Watch.Follow([_watched.Id]).IsSuccess);
            Assert.True(Foreign.Run("taskset", "-p", "-c", "0", $"{other.Id}").IsSuccess);
            Assert.False(Foreign.Run("taskset", "-p", "-c", "1000", $"{_watched.Id}").IsSuccess);
            var (last, _) = Foreign.Run("taskset", "-p", "-c", "0", $"{_watched.Id}");

            Assert.Equal([(_watched.Id, last)], lane.Waiting(ThreadChangeKind.Affinity));
        }
        finally
        {
            Processes.End(other.Id);
        }
    }

    [Theory]
    [MemberData(nameof(Hooks))]
    public void What_this_process_does_itself_isnt_told(MaskHook hook)
    {
        using var lane = BpfLane.Open(hook);
        Assert.True(lane.Watch.Follow([_watched.Id]).IsSuccess);

        Assert.True(SchedAffinity.Set(_watched.Id, [1]).IsSuccess);
        var (other, _) = Foreign.Run("taskset", "-p", "-c", "0", $"{_watched.Id}");

        Assert.Equal([(_watched.Id, other)], lane.Waiting(ThreadChangeKind.Affinity));
    }

    [Theory]
    [InlineData(MaskHook.Probe, true)]
    [InlineData(MaskHook.Syscalls, false)]
    public void A_32_bit_call_is_seen_by_probes_and_not_by_the_tracepoints(
        MaskHook hook,
        bool isSeen
    )
    {
        const int SetAffinity = 241;
        const int SetScheduler = 156;
        const int Batch = 3;
        using var lane = BpfLane.Open(hook);
        Assert.True(lane.Watch.Follow([_watched.Id]).IsSuccess);

        var (setter, result) = Foreign.Call32(SetAffinity, _watched.Id, 4, 1);
        Assert.SkipWhen(
            result >= 128,
            "needs a machine whose kernel gets 32-bit calls (int $0x80)"
        );
        Assert.Equal(0, result);
        var (scheduler, isSet) = Foreign.Call32(SetScheduler, _watched.Id, Batch, 0);
        Assert.Equal(0, isSet);
        var (last, _) = Foreign.Run("taskset", "-p", "-c", "0", $"{_watched.Id}");

        var change = lane.Next(ThreadChangeKind.Affinity);
        Assert.Equal((isSeen ? setter : last, 1UL), (change.ByPid, change.Value));
        if (isSeen)
        {
            Assert.Equal(scheduler, lane.Next(ThreadChangeKind.Scheduling).ByPid);
        }
    }

    [Theory]
    [MemberData(nameof(Hooks))]
    public void A_caller_in_another_pid_namespace_names_the_number_that_it_knows(MaskHook hook)
    {
        Requires.Program("unshare");
        using var lane = BpfLane.Open(hook);
        using var shell = Process.Start(
            new ProcessStartInfo(
                "unshare",
                [
                    "-pf",
                    "sh",
                    "-c",
                    "sleep 600 & echo $!; read go; taskset -p -c 0 $!; read end; kill $!",
                ]
            )
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                UseShellExecute = false,
            }
        )!;
        var inner = int.Parse(shell.StandardOutput.ReadLine()!, null);
        var numbers = NumbersBelow(shell.Id, inner);
        Assert.Equal(2, numbers.Length);
        Assert.True(lane.Watch.Follow(numbers).IsSuccess);
        shell.StandardInput.WriteLine();

        var change = lane.Next(ThreadChangeKind.Affinity, inner);

        Assert.Equal("taskset", change.ByComm);
        Assert.NotEqual(inner, change.ByPid);
        shell.StandardInput.WriteLine();
        shell.WaitForExit();
    }

    [Theory]
    [MemberData(nameof(Hooks))]
    public void Who_moves_threads_without_end_is_told_of_a_share_and_others_as_before(MaskHook hook)
    {
        const int Calls = 10_000;
        using var lane = BpfLane.Open(hook, NobodysPid);
        Assert.True(lane.Watch.Follow([_watched.Id]).IsSuccess);

        for (var i = 0; i < Calls; i++)
        {
            Assert.True(SchedAffinity.Set(_watched.Id, [1]).IsSuccess);
        }

        var (other, _) = Foreign.Run("taskset", "-p", "-c", "0", $"{_watched.Id}");
        var told = lane.Waiting(ThreadChangeKind.Affinity);
        var losses = lane.Watch.Losses();
        Assert.Contains((_watched.Id, other), told);
        Assert.InRange(told.Count, 512, Calls / 2);
        Assert.Equal((ulong)(Calls + 1 - told.Count), losses.MaskExcess + losses.Lost);
        Assert.Equal(0UL, losses.Missed);
    }

    public void Dispose()
    {
        Processes.End(_watched.Id);
        _watched.Dispose();
    }

    private static ulong Now() =>
        (ulong)(Stopwatch.GetTimestamp() * (1_000_000_000.0 / Stopwatch.Frequency));

    // All numbers of the descendant that has this one in its own PID namespace; it may not be a "sleep" yet.
    private static int[] NumbersBelow(int pid, int inner)
    {
        var children = File.ReadAllText($"/proc/{pid}/task/{pid}/children");
        foreach (var child in children.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            int[] numbers =
            [
                .. File.ReadLines($"/proc/{child}/status")
                    .First(line => line.StartsWith("NSpid:", StringComparison.Ordinal))
                    .Split('\t')[1..]
                    .Select(number => int.Parse(number, null)),
            ];
            if (numbers.Length == 2 && numbers[1] == inner)
            {
                return numbers;
            }

            if (NumbersBelow(int.Parse(child, null), inner) is { Length: > 0 } found)
            {
                return found;
            }
        }

        return [];
    }
}
