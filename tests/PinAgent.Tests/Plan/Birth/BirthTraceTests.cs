using System.Globalization;
using PinAgent.Model.Vm;
using Xunit;

namespace PinAgent.Tests.Plan.Birth;

/// <summary>
/// Guests of a real KubeVirt as they were born, line by line of the recorded traces, with an agent that begins to look after any
/// line and then looks after each.
/// </summary>
public sealed class BirthTraceTests
{
    // What the agent of then set, and no manager does.
    private static readonly double[] TheAgents = [0.096, 0.097, 0.648, 0.650, 1.252];

    public static TheoryData<string, int> Isolated =>
        [
            .. Starts("isolated-emulator.txt", []),
            .. Starts("isolated-emulator-with-agent.txt", TheAgents),
        ];

    public static TheoryData<string, int> Shared => [.. Starts("shared-emulator.txt", [])];

    [Theory]
    [MemberData(nameof(Isolated))]
    public void The_vCPU_is_on_CPU_0_and_the_rest_on_1_whenever_the_agent_begins(
        string trace,
        int start
    )
    {
        var guest = Replay(
            new BornGuest("0-1", 1, BornGuest.Vmi(isolates: true)),
            Read(trace, TheAgents),
            start
        );

        Assert.All(
            guest.Threads,
            thread => Assert.Equal(thread.Role == ThreadRole.Vcpu ? "0" : "1", guest[thread.Tid])
        );
        AssertItBeganOnce(guest);
    }

    [Theory]
    [MemberData(nameof(Shared))]
    public void Two_vCPUs_and_two_IO_threads_are_where_libvirt_puts_them(string trace, int start)
    {
        var guest = Replay(
            new BornGuest("0-1", 2, BornGuest.Vmi(isolates: false)),
            Read(trace, []),
            start
        );

        Assert.Equal(
            "vcpu 0: 0, vcpu 1: 1, iothread 1: 1, iothread 2: 0",
            string.Join(
                ", ",
                guest
                    .Threads.Where(thread => thread.Index is not null)
                    .OrderBy(thread => thread.Role)
                    .Select(thread =>
                        $"{thread.Role.ToString().ToLowerInvariant()} {thread.Index}: {guest[thread.Tid]}"
                    )
            )
        );
        Assert.All(
            guest.Threads.Where(thread => thread.Index is null),
            thread => Assert.Equal("0-1", guest[thread.Tid])
        );
        AssertItBeganOnce(guest);
    }

    private static void AssertItBeganOnce(BornGuest guest)
    {
        Assert.Equal(1, guest.Beginnings);
        Assert.Empty(guest.Repairs);
        Assert.Empty(guest.Standings.Except(["Waiting VcpuThreadsStarting", "placed"]));
    }

    private static BornGuest Replay(BornGuest guest, List<Line> lines, int start)
    {
        var (first, hasHousekeeping) = (lines[0].Tid, false);
        foreach (var (i, line) in lines.Index())
        {
            if (i > start)
            {
                guest.Look();
            }

            var tid = line.Tid - first + BornGuest.Pid;
            if (line.Mask == "?")
            {
                guest.End(tid);
            }
            else if (line.IsInHousekeeping)
            {
                if (!hasHousekeeping)
                {
                    // Made as a copy, and written a moment later.
                    guest.WriteHousekeeping("0-1");
                    if (i > start)
                    {
                        guest.Look();
                    }

                    guest.WriteHousekeeping(line.Mask);
                    hasHousekeeping = true;
                }

                guest.Move(tid);
            }
            else if (line.Comm != line.CommBefore)
            {
                guest.Name(tid, line.Comm, line.Mask);
            }
            else
            {
                guest.Set(tid, line.Mask);
            }
        }

        guest.Look();
        guest.Look();
        return guest;
    }

    private static IEnumerable<TheoryDataRow<string, int>> Starts(string trace, double[] without) =>
        Enumerable
            .Range(0, Read(trace, without).Count + 1)
            .Select(start => new TheoryDataRow<string, int>(trace, start));

    //    0.589 29648 CPU 0/KVM        0      (was ('CPU 0/KVM', '1', ''))
    private static List<Line> Read(string trace, double[] without) =>
        [
            .. File.ReadLines(Fixtures.PathOf($"birth/{trace}"))
                .Skip(1)
                .Select(Line.Parse)
                .Where(line => !without.Contains(line.Seconds)),
        ];

    private sealed record Line(
        double Seconds,
        int Tid,
        string Comm,
        string Mask,
        bool IsInHousekeeping,
        string? CommBefore
    )
    {
        public static Line Parse(string line)
        {
            // The name is as wide as names can be, and may have spaces.
            var (now, before) = (line[..line.IndexOf('(')], line[line.IndexOf('(')..]);
            var start = now.TrimStart().Split(' ');
            var name = now.IndexOf($" {start[1]} ", StringComparison.Ordinal) + start[1].Length + 2;
            var rest = now[(name + 16)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            return new Line(
                double.Parse(start[0], CultureInfo.InvariantCulture),
                int.Parse(start[1], CultureInfo.InvariantCulture),
                now.Substring(name, 16).Trim(),
                rest[0],
                rest.Contains("HK"),
                before.Split('\'') is { Length: > 1 } parts ? parts[1] : null
            );
        }
    }
}
