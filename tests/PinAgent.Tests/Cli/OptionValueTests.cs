using System.CommandLine;
using System.CommandLine.Parsing;
using System.Reflection;
using System.Text.Json;
using PinAgent.Cli;
using PinAgent.Cli.Options;
using PinAgent.Cli.Settings;
using PinAgent.Cli.Terminal;
using Xunit;

namespace PinAgent.Tests.Cli;

/// <summary>Every option of every command with what nobody should give it: a line for each mistake, never a stack trace.</summary>
[Collection(ConsoleTests.Name)]
public sealed class OptionValueTests
{
    // Many commands are static, and every tree that they grow into makes them slower.
    private static readonly RootCommand Root = CommandLine.Create();

    private static readonly string[] Numbers = ["N", "SECONDS", "TIME", "QUANTITY"];

    private static readonly string[] NoNumbers =
    [
        "",
        " ",
        "-1",
        "x",
        "NaN",
        "Infinity",
        "--",
        "1 2",
        "\u0661",
        "a\nb",
        "\u001b[2J",
    ];

    private static readonly string[] Values =
    [
        .. NoNumbers,
        "0",
        "1.5",
        "1e9",
        "0x10",
        "2147483648",
        "99999999999",
        "1e99999999999",
        "99999999999d",
        new string('9', 100_000),
        "a\0b",
    ];

    public static TheoryData<string, string> Options =>
        [
            .. CommandLine
                .Create()
                .Subcommands.SelectMany(command =>
                    command
                        .Options.Concat(Root.Options)
                        .Where(option => option.Name is not ("--help" or "--version"))
                        .Select(option => (command.Name, option.Name))
                )
                .Distinct(),
        ];

    [Theory]
    [MemberData(nameof(Options))]
    public async Task A_value_is_understood_or_refused_in_a_line(string command, string option)
    {
        foreach (var value in Values)
        {
            string[] arguments = [command, option, value];
            var parsed = CommandLine.Parse(Root, arguments);
            var mistakes = Mistakes.Find(parsed);
            if (mistakes.Length == 0)
            {
                Read(parsed, option);
                continue;
            }

            // Nothing but the mistakes is told where there are any: the command doesn't run.
            var (code, said) = await SayAsync(arguments);
            Assert.Equal(ExitCode.Usage, code);
            Assert.Equal(mistakes.Length, said.Length);
            Assert.All(said, line => Assert.StartsWith("pinagent: ", line));
            Assert.All(said, line => Assert.DoesNotContain("System.", line));
            Assert.All(said, line => Assert.InRange(line.Length, 1, 5000));
        }
    }

    [Fact]
    public void What_is_no_number_is_refused_by_every_option_that_takes_one()
    {
        var asked = 0;
        foreach (var command in Root.Subcommands)
        {
            foreach (var option in command.Options.Where(TakesNumber))
            {
                foreach (var value in NoNumbers)
                {
                    asked++;
                    var parsed = CommandLine.Parse(Root, [command.Name, option.Name, value]);
                    var told = Assert.Single(
                        Mistakes.Find(parsed),
                        mistake => mistake.StartsWith($"{option.Name}: ", StringComparison.Ordinal)
                    );
                    Assert.Contains("expected ", told, StringComparison.Ordinal);
                }
            }
        }

        Assert.InRange(asked, 8 * NoNumbers.Length, int.MaxValue);
    }

    [Fact]
    public void A_value_of_the_settings_file_is_understood_or_refused_in_a_line()
    {
        var run = Root.Subcommands.OfType<DetailedCommand>().Single(command => command.OwnsFile);
        var file = Path.GetTempFileName();
        try
        {
            foreach (var setting in run.Settings.Where(setting => setting.IsInFile))
            {
                foreach (var value in Values)
                {
                    // A text of JSON is one of YAML.
                    File.WriteAllText(file, $"{setting.Key}: {JsonSerializer.Serialize(value)}\n");
                    var told = MistakesOf(run.Name, "--config", file);
                    Assert.All(told, line => Assert.StartsWith($"{file}: {setting.Key}: ", line));
                    Assert.InRange(told.Count(), value.Contains('\0') ? 1 : 0, 1);
                }
            }
        }
        finally
        {
            File.Delete(file);
        }
    }

    // "--vcpus=1" is one word, and a value that begins with a dash needs it nowhere.
    [Theory]
    [InlineData("x")]
    [InlineData("1.5")]
    [InlineData("99999999999")]
    [InlineData("0")]
    [InlineData("-1")]
    public async Task So_many_vcpus_are_refused_in_one_line(string vcpus)
    {
        var (code, said) = await SayAsync(["capacity", $"--vcpus={vcpus}"]);

        Assert.Equal(ExitCode.Usage, code);
        Assert.Equal(
            [$"pinagent: --vcpus: expected a whole number from 1 to 65536, found \"{vcpus}\""],
            said
        );
    }

    [Fact]
    public void An_option_without_its_value_and_one_that_is_given_twice_are_told_by_name()
    {
        foreach (var command in Root.Subcommands)
        {
            foreach (var option in command.Options.Where(TakesOneValue))
            {
                // Whatever else is wrong with a call that has nothing more.
                Assert.Contains(
                    $"{option.Name}: expected a value, found none",
                    MistakesOf(command.Name, option.Name)
                );
                Assert.Contains(
                    MistakesOf(command.Name, option.Name, "1", option.Name, "1"),
                    mistake =>
                        mistake.StartsWith($"{option.Name}: expected ", StringComparison.Ordinal)
                );
            }
        }
    }

    private static IEnumerable<string> MistakesOf(params string[] arguments) =>
        Mistakes.Find(CommandLine.Parse(Root, arguments));

    private static bool TakesNumber(Option option) => Numbers.Contains(option.HelpName);

    private static bool TakesOneValue(Option option) =>
        option.Arity is { MinimumNumberOfValues: 1, MaximumNumberOfValues: 1 };

    // As the command would: by the setting where it is one, else by the option's own type.
    private static void Read(ParseResult parsed, string name)
    {
        if (
            parsed.CommandResult.Command is DetailedCommand command
            && command.Settings.FirstOrDefault(setting => setting.Option.Name == name)
                is { } setting
        )
        {
            Assert.Null(setting.Mistake(parsed));
            return;
        }

        var result = (OptionResult)parsed.GetResult(name)!;
        typeof(OptionResult)
            .GetMethod(nameof(OptionResult.GetValueOrDefault))!
            .MakeGenericMethod(result.Option.ValueType)
            .Invoke(result, BindingFlags.DoNotWrapExceptions, null, null, null);
    }

    private static async Task<(int Code, string[] Lines)> SayAsync(string[] arguments)
    {
        var before = Console.Error;
        await using var output = new StringWriter();
        Console.SetError(output);
        try
        {
            var code = await CommandLine.RunAsync(Root, arguments);
            return (code, output.ToString().TrimEnd('\n').Split('\n'));
        }
        finally
        {
            Console.SetError(before);
        }
    }
}
