using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using PinAgent.Cli.Settings;
using PinAgent.Cli.Terminal;

namespace PinAgent.Cli.Options;

/// <summary>A command whose own help says more than its line in the list of commands.</summary>
/// <param name="details">What else there is to know.</param>
/// <param name="example">A command line that works.</param>
internal sealed class DetailedCommand(string name, string summary, string details, string example)
    : Command(name, summary)
{
    private readonly List<Setting> _settings = [];

    /// <summary>What it can be told in the environment, and perhaps in the settings file.</summary>
    public IReadOnlyList<Setting> Settings => _settings;

    /// <summary>Whether the settings file is this command's, so that it says what the file has too much.</summary>
    public bool OwnsFile { get; set; }

    /// <summary>Adds a setting and its option.</summary>
    public void Add(Setting setting)
    {
        _settings.Add(setting);
        if (!setting.Option.Recursive)
        {
            Add(setting.Option);
        }
    }

    /// <summary>Makes a root command's help print the details, and no line longer than this.</summary>
    public static void ExtendHelp(RootCommand root, int width)
    {
        var help = root.Options.OfType<HelpOption>().Single();
        if (help.Action is HelpAction original)
        {
            original.MaxWidth = width;
            help.Action = new DetailedHelp(original, width);
        }
    }

    private void PrintDetails(TextWriter output, int width)
    {
        output.WriteLine("Details:");
        foreach (var paragraph in Paragraphs())
        {
            foreach (var line in new Flow($"  {paragraph}").Lines(width))
            {
                output.WriteLine(string.Concat(line.Select(part => part.Text)).TrimEnd());
            }
        }

        output.WriteLine();
        output.WriteLine("Example:");
        foreach (var line in example.Split('\n'))
        {
            // To be copied as it is.
            output.WriteLine($"  {line}".TrimEnd());
        }

        output.WriteLine();
    }

    // In the source a sentence goes on in the next line; where one ends with the line, a paragraph does.
    private IEnumerable<string> Paragraphs()
    {
        var paragraph = "";
        foreach (var line in details.Split('\n'))
        {
            paragraph = paragraph.Length == 0 ? line : $"{paragraph} {line}";
            if (line.EndsWith('.') || line.EndsWith(':'))
            {
                yield return paragraph;
                paragraph = "";
            }
        }

        if (paragraph.Length > 0)
        {
            yield return paragraph;
        }
    }

    private sealed class DetailedHelp(SynchronousCommandLineAction original, int width)
        : SynchronousCommandLineAction
    {
        // Who asks how a command is called needn't call it right.
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            var code = original.Invoke(parseResult);
            if (parseResult.CommandResult.Command is DetailedCommand command)
            {
                command.PrintDetails(parseResult.InvocationConfiguration.Output, width);
            }

            return code;
        }
    }
}
