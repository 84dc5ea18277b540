using System.Text.Json;
using PinAgent.Cli.Terminal;
using PinAgent.Model.Text;
using PinAgent.Report.Rules;
using Spectre.Console;
using Xunit;

namespace PinAgent.Tests.Cli;

/// <summary>What reaches a terminal: nothing it would obey, whoever wrote it, and no more than somebody reads.</summary>
[Collection(ConsoleTests.Name)]
public sealed class PrintedTests
{
    // Erases the screen; sets the window's title; turns the direction of writing; begins a line of its own.
    private const string Evil = "a\u001b[2J\u001b]0;x\u0007b\u202ec\u2028d\u009be";

    private static readonly char[] Obeyed = ['\u001b', '\u0007', '\u202e', '\u2028', '\u009b'];

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_drawing_holds_nothing_that_a_terminal_obeys(bool isTable)
    {
        using var output = new StringWriter();
        var table = new PlainTable("NAME");
        table.AddRow(Evil);

        Output.Write(isTable ? table : new Rows(new Text(Evil), new Text("next")), output, true);

        Assert.Equal(-1, output.ToString().IndexOfAny(Obeyed));
        Assert.Contains("a\ufffd[2J", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Names_of_a_file_that_is_validated_are_shown_as_far_as_names_go()
    {
        using var output = new StringWriter();
        ValidateStatus[] verdicts =
        [
            new(1, Evil, true, [], [], Evil, Evil, false, null),
            new(2, new string('n', 100_000), true, [], [], null, null, false, null),
        ];

        Output.Write(ValidateText.Render(verdicts), output, isPipe: true);

        Assert.Equal(-1, output.ToString().IndexOfAny(Obeyed));
        Assert.InRange(output.ToString().Length, 1, 1000);
        Assert.Contains(
            "… (100000 characters): valid",
            output.ToString(),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_failure_says_what_it_quotes_in_one_short_line_without_what_a_terminal_obeys()
    {
        var before = Console.Error;
        using var output = new StringWriter();
        Console.SetError(output);
        try
        {
            Failure.Usage(
                $"config.yaml: mode: expected audit, found \"{Evil}\n{new string('x', 30_000_000)}\""
            );
            Failure.Usage(Enumerable.Repeat("config.yaml: x: unknown", 100_000));
        }
        finally
        {
            Console.SetError(before);
        }

        var lines = output.ToString().TrimEnd().Split('\n');
        Assert.Equal(52, lines.Length);
        Assert.All(lines, line => Assert.InRange(line.Length, 1, 5000));
        Assert.All(lines, line => Assert.StartsWith("pinagent: ", line));
        Assert.Equal(-1, output.ToString().IndexOfAny(Obeyed));
        Assert.Equal("pinagent: and 99950 more mistakes", lines[^1]);
    }

    [Fact]
    public void Json_says_the_same_with_nothing_that_a_terminal_obeys()
    {
        var json = $$"""{"name":"×\u202e\u2028\u009b","lines":1}""" + "\n";
        json = json.Replace("\\u202e", "\u202e")
            .Replace("\\u2028", "\u2028")
            .Replace("\\u009b", "\u009b");

        var printed = Words.PrintableJson(json);

        Assert.Equal("""{"name":"×\u202e\u2028\u009b","lines":1}""" + "\n", printed);
        Assert.True(
            JsonElement.DeepEquals(
                JsonDocument.Parse(json).RootElement,
                JsonDocument.Parse(printed).RootElement
            )
        );
        Assert.Same("{}", Words.PrintableJson("{}"));
    }

    [Fact]
    public void A_name_is_cut_off_between_characters()
    {
        var name = new string('a', Words.LongestName);
        Assert.Equal(name, Words.Shown(name));
        Assert.Equal($"{name}… (254 characters)", Words.Shown(name + "b"));
        Assert.Equal($"{name[1..]}… (254 characters)", Words.Shown(name[1..] + "\ud83d\ude00"));
    }
}
