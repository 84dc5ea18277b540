using System.Text;
using PinAgent.Cli.Options;
using PinAgent.Model.Text;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace PinAgent.Cli.Terminal;

/// <summary>Prints answers, for people or for programs.</summary>
internal static class Output
{
    // Where nobody's terminal sets a width: wide enough that no cell is broken in a log or a pipe.
    private const int PipeWidth = 10_000;

    // Sentences are read in a pipe, too.
    private const int UsualWidth = 80;
    private const int NarrowestTerminal = 40;

    /// <summary>How long a line of the help may be.</summary>
    public static int HelpWidth =>
        Console.IsOutputRedirected || Console.WindowWidth < NarrowestTerminal
            ? UsualWidth
            : Console.WindowWidth;

    /// <summary>Prints in the form chosen.</summary>
    public static void Print(OutputFormat format, Func<IRenderable> table, Func<string> json)
    {
        using var output = new StreamWriter(Console.OpenStandardOutput(), new UTF8Encoding(false));
        if (format == OutputFormat.Json)
        {
            output.WriteLine(Words.PrintableJson(json()));
        }
        else
        {
            Write(table(), output, Console.IsOutputRedirected);
        }
    }

    /// <summary>Prints a document that is fit for a terminal already.</summary>
    public static void Document(string text)
    {
        using var output = new StreamWriter(Console.OpenStandardOutput(), new UTF8Encoding(false));
        output.WriteLine(text);
    }

    /// <summary>Prints a line for people.</summary>
    public static void Line(string text) =>
        Console.Out.WriteLine(Words.Shown(text, Words.LongestSentence));

    /// <summary>How long a line may be for people; where it goes into a pipe, null: programs may read it.</summary>
    public static int? TerminalWidth =>
        Console.IsOutputRedirected ? null : Math.Max(NarrowestTerminal, Console.WindowWidth);

    /// <summary>What fits into the terminal, or where there is none into a usual one.</summary>
    public static int PictureWidth => TerminalWidth ?? UsualWidth;

    /// <summary>Draws for a terminal that obeys ANSI's sequences, its colours included: what it shows, and nothing else.</summary>
    public static string Ansi(IRenderable content, int width)
    {
        using var text = new StringWriter();
        var console = AnsiConsole.Create(
            new AnsiConsoleSettings
            {
                Ansi = AnsiSupport.Yes,
                ColorSystem = Environment.GetEnvironmentVariable("NO_COLOR") is { Length: > 0 }
                    ? ColorSystemSupport.NoColors
                    : ColorSystemSupport.Standard,
                Interactive = InteractionSupport.No,
                Out = new AnsiConsoleOutput(text),
            }
        );
        console.Profile.Width = width;
        console.Write(new Printed(content));
        return text.ToString();
    }

    /// <summary>Draws a table or text, without colours and trailing blanks where it goes into a pipe.</summary>
    internal static void Write(
        IRenderable content,
        TextWriter output,
        bool isPipe,
        int width = PipeWidth
    )
    {
        content = new Printed(content);
        if (!isPipe)
        {
            AnsiConsole.Write(content);
            return;
        }

        using var text = new StringWriter();
        var console = AnsiConsole.Create(
            new AnsiConsoleSettings
            {
                Ansi = AnsiSupport.No,
                ColorSystem = ColorSystemSupport.NoColors,
                Interactive = InteractionSupport.No,
                Out = new AnsiConsoleOutput(text),
            }
        );
        console.Profile.Width = width;
        console.Write(content);
        foreach (var line in text.ToString().TrimEnd().Split('\n'))
        {
            output.WriteLine(line.TrimEnd());
        }
    }
}
