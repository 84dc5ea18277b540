using System.Text;
using PinAgent.Cli;
using PinAgent.Cli.Input;
using PinAgent.Kubernetes.Objects;
using PinAgent.Observe.Vmi;
using PinAgent.Plan.Placement;
using Xunit;

namespace PinAgent.Tests.Validate;

/// <summary>Input of any length: one document, or one line, after the other is read, and of each only so much.</summary>
public sealed class LargeInputTests
{
    private const string Vmi =
        "kind: VirtualMachineInstance\nmetadata: {name: good, namespace: ns}\n"
        + "spec: {domain: {cpu: {dedicatedCpuPlacement: true, sockets: 2}, memory: {guest: 1Gi}}}\n";

    [Theory]
    [InlineData("a: 1\n---\nb: 2\n", 2)]
    [InlineData("# comment\n%YAML 1.2\n---\na: 1\n...\n# another\n%YAML 1.2\n---\nb: 2\n", 2)]
    [InlineData("---\n---\n--- # empty ones\n", 3)]
    [InlineData("---\na: |\n  text\n  --- no marker\n---x: 1\n", 1)]
    [InlineData("{\"a\":1}\n{\"b\":2}\n", 1)]
    [InlineData("a: 1\r\n---\r\nb: 2", 2)]
    [InlineData("", 0)]
    public void A_text_is_divided_where_its_markers_are(string text, int pieces)
    {
        var divided = DocumentSource.Divide(new StringReader(text), "text").ToList();

        Assert.Equal(pieces, divided.Count);
        var normal = text.Replace("\r\n", "\n");
        Assert.Equal(
            normal.EndsWith('\n') || normal.Length == 0 ? normal : normal + "\n",
            string.Concat(divided.Select(piece => piece.Text))
        );
        Assert.All(
            divided,
            piece =>
                Assert.StartsWith(
                    piece.Text.Split('\n')[0],
                    normal.Split('\n')[piece.FirstLine - 1]
                )
        );
    }

    [Fact]
    public void Documents_are_numbered_and_their_lines_told_as_if_the_text_were_read_whole()
    {
        var verdicts = ValidateCommand.Judge(
            new StringReader($"{Vmi}---\n---\n{Vmi}--- {{}}\n"),
            "text"
        );
        Assert.Equal([1, 3, 4], verdicts.Select(verdict => verdict.Document));

        var problem = Assert.Throws<InvalidDataException>(() =>
            ValidateCommand.Judge(new StringReader($"{Vmi}---\n{Vmi}---\na: [\n"), "text")
        );
        var whole = Assert.Throws<InvalidDataException>(() =>
            VmiReader.Read($"{Vmi}---\n{Vmi}---\na: [\n", "text")
        );
        Assert.Equal(whole.Message, problem.Message);
    }

    /// <summary>What is kept of a document is its verdict: together they are larger than any one may be.</summary>
    [Fact]
    public void Documents_that_are_too_much_together_are_judged_one_after_the_other()
    {
        using var text = new Repeated($"{Vmi}# {new string('x', 25_000)}\n---\n", 400);

        var verdicts = ValidateCommand.Judge(text, "text");

        Assert.Equal(400, verdicts.Count);
        Assert.All(verdicts, verdict => Assert.True(verdict.Valid));
        Assert.InRange(text.Given, DocumentSource.MostCharacters, long.MaxValue);
    }

    [Fact]
    public void One_document_that_never_ends_is_refused_before_it_is_read()
    {
        using var text = new Repeated("a: [1, 2, 3]\n", int.MaxValue);

        var problem = Assert.Throws<InvalidDataException>(() =>
            ValidateCommand.Judge(text, "text")
        );

        Assert.Contains("split it", problem.Message, StringComparison.Ordinal);
        Assert.InRange(text.Given, 1, 3L * DocumentSource.MostCharacters);

        using var line = new Repeated(new string('x', 1000), int.MaxValue);
        Assert.Throws<InvalidDataException>(() => ValidateCommand.Judge(line, "text"));
        Assert.InRange(line.Given, 1, 3L * DocumentSource.MostCharacters);
    }

    [Fact]
    public void A_document_of_many_small_values_or_of_maps_merged_again_and_again_is_refused()
    {
        var small = $"[{string.Concat(Enumerable.Repeat("1,", ObjectNode.MostValues + 1))}]";
        Assert.Contains(
            "values in a document",
            Assert.Throws<FormatException>(() => YamlReader.Read(small)).Message,
            StringComparison.Ordinal
        );

        var fields = string.Concat(Enumerable.Range(0, 1000).Select(i => $"  k{i}: 1\n"));
        var merges = string.Concat(Enumerable.Range(0, 1000).Select(i => $"m{i}: {{<<: *a}}\n"));
        Assert.Contains(
            "values in a document",
            Assert
                .Throws<FormatException>(() => YamlReader.Read($"a: &a\n{fields}{merges}"))
                .Message,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("")]
    [InlineData("{\"topology\":\n")]
    public void A_line_of_a_plan_that_never_seems_to_end_is_answered_and_the_next_ones_too(
        string first
    )
    {
        var longLine = new string('x', 3 * 1024 * 1024);
        using var input = new MemoryStream(
            Encoding.UTF8.GetBytes($"{first}{longLine}\nnot json\n{longLine}\n\n{{}}\n")
        );
        using var output = new StringWriter();

        Assert.False(PlanCommand.Answer(input, output, Placer.Default));

        var answers = output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(first.Length > 0 ? 5 : 4, answers.Length);
        Assert.Equal(2, answers.Count(answer => answer.Contains("characters, found more")));
        Assert.All(answers, answer => Assert.InRange(answer.Length, 1, 500));
    }

    /// <summary>A text that is made while it's read.</summary>
    private sealed class Repeated(string part, int times) : TextReader
    {
        private int _times;
        private int _at;

        public long Given { get; private set; }

        public override int Read(char[] buffer, int index, int count) =>
            Read(buffer.AsSpan(index, count));

        public override int Read(Span<char> buffer)
        {
            if (_at == part.Length)
            {
                (_at, _times) = (0, _times + 1);
            }

            if (_times == times)
            {
                return 0;
            }

            var length = Math.Min(buffer.Length, part.Length - _at);
            part.AsSpan(_at, length).CopyTo(buffer);
            (_at, Given) = (_at + length, Given + length);
            return length;
        }
    }
}
