using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using PinAgent.Cli.Settings;

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

    /// <summary>Makes a root command's help print the details.</summary>
    public static void ExtendHelp(RootCommand root)
    {
        var help = root.Options.OfType<HelpOption>().Single();
        if (help.Action is SynchronousCommandLineAction original)
        {
            help.Action = new DetailedHelp(original);
        }
    }

    private void PrintDetails(TextWriter output)
    {
        output.WriteLine("Details:");
        Print(details);
        output.WriteLine();
        output.WriteLine("Example:");
        Print(example);
        output.WriteLine();

        void Print(string text)
        {
            foreach (var line in text.Split('\n'))
            {
                output.WriteLine($"  {line}".TrimEnd());
            }
        }
    }

    private sealed class DetailedHelp(SynchronousCommandLineAction original)
        : SynchronousCommandLineAction
    {
        // Who asks how a command is called needn't call it right.
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            var code = original.Invoke(parseResult);
            if (parseResult.CommandResult.Command is DetailedCommand command)
            {
                command.PrintDetails(parseResult.InvocationConfiguration.Output);
            }

            return code;
        }
    }
}
