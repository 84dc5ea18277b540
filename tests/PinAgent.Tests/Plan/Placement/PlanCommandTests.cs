using System.Text;
using CsCheck;
using PinAgent.Cli;
using PinAgent.Plan.Placement;
using Xunit;
using static PinAgent.Tests.Plan.Placement.PlanLineTests;

namespace PinAgent.Tests.Plan.Placement;

/// <summary>The input of <c>pinagent plan</c> as a whole: lines, blank lines, bad lines, one object over many.</summary>
public sealed class PlanCommandTests
{
    private static readonly string Refused = Line(guest: """{"sockets":8}""");
    private static readonly string Pretty = Valid
        .Replace(",\"", ",\n  \"")
        .Replace("{\"", "{\n  \"");

    [Fact]
    public void Each_line_gets_one_line_in_the_same_order() =>
        Assert.Equal(
            ["ok", "NotEnoughCpus", "ok"],
            Answers($"{Valid}\n{Refused}\n{Valid}\n", allOk: false)
        );

    [Fact]
    public void The_answer_is_yes_only_if_every_VM_can_be_placed()
    {
        Assert.Equal(["ok", "ok"], Answers($"{Valid}\n{Valid}\n", allOk: true));
        Assert.Equal(["ok", "NotEnoughCpus"], Answers($"{Valid}\n{Refused}\n", allOk: false));
        Assert.Equal(["NotEnoughCpus", "ok"], Answers($"{Refused}\n{Valid}\n", allOk: false));
    }

    [Fact]
    public void The_last_line_may_lack_its_end() =>
        Assert.Equal(["ok", "ok"], Answers($"{Valid}\n{Valid}", allOk: true));

    [Theory]
    [InlineData("")]
    [InlineData("\n")]
    [InlineData("\n  \r\n\t\n")]
    public void Nothing_asked_is_nothing_answered(string input) =>
        Assert.Empty(Answers(input, allOk: true));

    [Fact]
    public void Blank_lines_and_Windows_line_ends_do_not_count() =>
        Assert.Equal(
            ["ok", "ok", "ok"],
            Answers($"\r\n{Valid}\r\n\r\n   \r\n{Valid}\r\n\n{Valid}\n\n", allOk: true)
        );

    [Fact]
    public void A_byte_order_mark_does_not_count() =>
        Assert.Equal(["ok", "ok"], Answers($"\ufeff{Valid}\n{Valid}\n", allOk: true));

    [Theory]
    [InlineData("not json")]
    [InlineData("{")]
    [InlineData("}")]
    [InlineData("[")]
    [InlineData("\"")]
    [InlineData("{\"topology\":")]
    [InlineData("{} {}")]
    [InlineData("null")]
    public void A_bad_line_is_answered_and_the_next_is_still_read(string bad)
    {
        Assert.Equal(["InvalidInput", "ok"], Answers($"{bad}\n{Valid}\n", allOk: false));
        Assert.Equal(
            ["ok", "InvalidInput", "ok"],
            Answers($"{Valid}\n{bad}\n{Valid}", allOk: false)
        );
        Assert.Equal(["ok", "InvalidInput"], Answers($"{Valid}\n{bad}", allOk: false));
        Assert.Equal(["InvalidInput"], Answers(bad, allOk: false));
    }

    [Fact]
    public void One_object_over_several_lines_is_one_request()
    {
        Assert.Equal(["ok"], Answers(Pretty, allOk: true));
        Assert.Equal(["ok"], Answers($"\ufeff\n\n{Pretty.Replace("\n", "\r\n")}\n\n", allOk: true));
    }

    [Fact]
    public void One_object_over_several_lines_may_be_one_that_cannot_be_placed() =>
        Assert.Equal(
            ["NotEnoughCpus"],
            Answers(Pretty.Replace("\"0-1,4-5\"", "\"0-1\""), allOk: false)
        );

    [Fact]
    public void Answers_end_with_a_line_feed_whatever_the_machine()
    {
        var (text, _) = Run(Encoding.UTF8.GetBytes(Valid));

        Assert.Equal($"{ValidAnswer}\n", text);
    }

    [Fact]
    public void An_answer_is_out_before_the_next_line_is_read()
    {
        // A program that keeps the command running, asks, and waits for the answer before it asks again.
        using var output = new StringWriter { NewLine = "\n" };
        using var asking = new Conversation(
            [$"{Valid}\n", "not json\n", $"{Valid}\n"],
            answersSoFar: () => output.ToString().Count(c => c == '\n')
        );

        Assert.False(PlanCommand.Answer(asking, output, Placer.Default));
        Assert.Equal(3, output.ToString().Count(c => c == '\n'));
        Assert.Equal([0, 1, 2, 3], asking.AnswersWhenAsked);
    }

    [Fact]
    public void A_bad_first_line_is_answered_before_the_next_is_read_unless_it_may_go_on()
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var asking = new Conversation(
            ["not json\n", $"{Valid}\n"],
            answersSoFar: () => output.ToString().Count(c => c == '\n')
        );

        Assert.False(PlanCommand.Answer(asking, output, Placer.Default));
        Assert.Equal([0, 1, 2], asking.AnswersWhenAsked);
    }

    [Fact]
    public void Any_bytes_at_all_are_answered_and_never_with_more_than_one_line_each() =>
        Gen.OneOf(Gen.Byte, Gen.Int[0, 5].Select(i => "\n{}\"\0\r"u8[i]))
            .Array[0, 80]
            .Sample(
                bytes =>
                {
                    var (text, _) = Run(bytes);

                    var answers = text.Split('\n');
                    Assert.Equal("", answers[^1]);
                    Assert.All(answers[..^1], answer => Parse(answer).GetProperty("ok"));
                    Assert.InRange(
                        answers.Length - 1,
                        0,
                        1 + bytes.Count(b => b is (byte)'\n' or (byte)'\r')
                    );
                },
                iter: 5_000
            );

    private static string[] Answers(string input, bool allOk)
    {
        var (text, ok) = Run(Encoding.UTF8.GetBytes(input));
        Assert.Equal(allOk, ok);
        return
        [
            .. text.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(Parse)
                .Select(answer =>
                    answer.GetProperty("ok").GetBoolean()
                        ? "ok"
                        : answer.GetProperty("reason").GetString()!
                ),
        ];
    }

    private static (string Text, bool AllOk) Run(byte[] input)
    {
        using var stream = new MemoryStream(input);
        using var output = new StringWriter { NewLine = "\r\n" };
        var allOk = PlanCommand.Answer(stream, output, Placer.Default);
        return (output.ToString(), allOk);
    }

    /// <summary>A pipe whose writer sends one line at a time, and notes how many answers it had by then.</summary>
    private sealed class Conversation(string[] lines, Func<int> answersSoFar) : MemoryStream
    {
        private int _next;

        public List<int> AnswersWhenAsked { get; } = [];

        public override int Read(Span<byte> buffer)
        {
            AnswersWhenAsked.Add(answersSoFar());
            return _next == lines.Length ? 0 : Encoding.UTF8.GetBytes(lines[_next++], buffer);
        }

        public override int Read(byte[] buffer, int offset, int count) =>
            Read(buffer.AsSpan(offset, count));
    }
}
