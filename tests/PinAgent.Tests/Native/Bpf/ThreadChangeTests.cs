using System.Buffers.Binary;
using System.Text;
using CsCheck;
using PinAgent.NativeInterop.Bpf;
using Xunit;

namespace PinAgent.Tests.Native.Bpf;

/// <summary>Events as the programs write them; their layout is checked against a real kernel's in the host tests.</summary>
public sealed class ThreadChangeTests
{
    private const int Whole = ThreadChange.LongestEvent;
    private const int Short = ThreadChange.ShortEvent;

    [Fact]
    public void A_mask_has_its_author_and_the_authors_cgroup_from_the_top()
    {
        var change = new ThreadChange();
        Write(change, ThreadChangeKind.Affinity, number: 42, levels: 2);
        Put(change, Short, "session-3.scope");
        Put(change, Short + 96, "user-1000.slice");

        Assert.True(change.Accept(Whole));

        Assert.Equal(
            (ThreadChangeKind.Affinity, 42, 812, 813),
            (change.Kind, change.Number, change.ByPid, change.ByTid)
        );
        Assert.Equal((7UL, 0xFUL, 99UL), (change.AtNanoseconds, change.Value, change.ByCgroupId));
        Assert.Equal("taskset", change.ByComm);
        Assert.Equal("/user-1000.slice/session-3.scope", change.ByCgroup);
        Assert.False(change.IsHostNumber);
        Assert.True(change.IsWholePath);
    }

    [Fact]
    public void A_path_deeper_than_the_event_holds_says_so()
    {
        var change = new ThreadChange();
        Write(change, ThreadChangeKind.Affinity, number: 42, levels: 6);
        BinaryPrimitives.WriteUInt16LittleEndian(change.Buffer[42..], 7);

        Assert.True(change.Accept(Whole));

        Assert.False(change.IsWholePath);
    }

    [Fact]
    public void A_name_has_no_cgroup_whatever_the_memory_held_before()
    {
        var change = new ThreadChange();
        Write(change, ThreadChangeKind.Affinity, number: 42, levels: 4);
        Put(change, Short, "of-the-event-before");
        Write(change, ThreadChangeKind.Name, number: 42, levels: 4);
        Put(change, 64, "CPU 0/KVM");

        Assert.True(change.Accept(Short));

        Assert.Equal("CPU 0/KVM", change.Name);
        Assert.Equal("", change.ByCgroup);
    }

    [Theory]
    [InlineData(0, 42, Whole)]
    [InlineData(5, 42, Whole)]
    [InlineData(1, 0, Whole)]
    [InlineData(1, -1, Whole)]
    [InlineData(1, 42, Whole - 1)]
    [InlineData(1, 42, 0)]
    public void What_no_program_writes_is_no_event(int kind, int number, int length)
    {
        var change = new ThreadChange();
        Write(change, (ThreadChangeKind)kind, number, levels: 0);

        Assert.False(change.Accept(length));
    }

    [Fact]
    public void Any_bytes_are_an_event_or_none() =>
        Gen
            .Byte.Array[Whole]
            .Sample(bytes =>
            {
                var change = new ThreadChange();
                bytes.CopyTo(change.Buffer);
                _ = change.Accept(Whole);
                return change.ByCgroup.Length <= 6 * 97
                    && change.ByComm.Length <= 16
                    && change.Name.Length <= 16;
            });

    [Fact]
    public void A_call_that_is_still_on_its_way_isnt_missed_and_one_that_never_comes_back_is()
    {
        var missed = new MissedReturns();

        Assert.Equal(0UL, missed.Update(begun: 10, ended: 9));
        Assert.Equal(0UL, missed.Update(begun: 12, ended: 11));
        Assert.Equal(1UL, missed.Update(begun: 12, ended: 11));
        Assert.Equal(1UL, missed.Update(begun: 20, ended: 19));
        Assert.Equal(1UL, missed.Update(begun: 20, ended: 19));
        Assert.Equal(1UL, missed.Update(begun: 20, ended: 20));
    }

    private static void Write(ThreadChange change, ThreadChangeKind kind, int number, uint levels)
    {
        change.Buffer[..Short].Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(change.Buffer, 7);
        BinaryPrimitives.WriteUInt64LittleEndian(change.Buffer[8..], 0xF);
        BinaryPrimitives.WriteUInt64LittleEndian(change.Buffer[16..], 99);
        BinaryPrimitives.WriteUInt32LittleEndian(change.Buffer[24..], (uint)kind);
        BinaryPrimitives.WriteInt32LittleEndian(change.Buffer[28..], number);
        BinaryPrimitives.WriteUInt32LittleEndian(change.Buffer[32..], 813);
        BinaryPrimitives.WriteUInt32LittleEndian(change.Buffer[36..], 812);
        BinaryPrimitives.WriteUInt32LittleEndian(change.Buffer[44..], levels);
        Put(change, 48, "taskset");
    }

    private static void Put(ThreadChange change, int at, string text) =>
        Encoding.ASCII.GetBytes(text, change.Buffer[at..]);
}
