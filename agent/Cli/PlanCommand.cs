using System.CommandLine;
using System.Text;
using PinAgent.Cli.Options;
using PinAgent.Cli.Terminal;
using PinAgent.Plan.Placement;

namespace PinAgent.Cli;

/// <summary><c>pinagent plan</c>: placement from JSON, no machine needed.</summary>
internal static class PlanCommand
{
    public static Command Create()
    {
        var file = new Option<string?>("--file", "-f")
        {
            Description =
                "The requests: one JSON object per line, or one object over several lines. [default: -, standard input]",
            HelpName = "FILE",
        };
        var policy = CommonOptions.Choice(
            "--policy",
            "The policy for requests that name none.",
            [.. Placer.PolicyNames.Select(name => (name, Placer.FindPolicy(name)!))]
        );
        var command = new DetailedCommand(
            "plan",
            "Say which CPUs a VM's threads would get, from JSON: no machine needed, nothing touched.",
            """
            Prints one line of JSON per request; exits with 1 if any VM can't be placed.
            "topology" is what "pinagent topology -o json" prints.
            """,
            """
            echo '{"topology":{"cpus":[{"id":0,"core":0},{"id":1,"core":1},{"id":2,"core":2}]},
                   "cpuset":"0-2","guest":{"sockets":2,"isolateEmulatorThread":true}}' | pinagent plan
            """
        )
        {
            file,
            policy,
        };
        command.SetAction(parsed =>
        {
            var chosen = policy.Get(parsed);
            var path = parsed.GetValue(file);
            try
            {
                using var input = path is null or "-"
                    ? Console.OpenStandardInput()
                    : File.OpenRead(path);
                using var output = new StreamWriter(
                    Console.OpenStandardOutput(),
                    new UTF8Encoding(false)
                );
                return Answer(input, output, chosen) ? ExitCode.Fine : ExitCode.No;
            }
            catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
            {
                return Failure.Because($"plan: {path ?? "standard input"}: {problem.Message}");
            }
        });
        return command;
    }

    /// <summary>Answers every request of the input.</summary>
    /// <returns>Whether every VM can be placed.</returns>
    internal static bool Answer(Stream input, TextWriter output, IPlacementPolicy policy)
    {
        using var reader = new StreamReader(input, new UTF8Encoding(false));
        var allOk = true;
        var first = ReadNonBlank(reader);
        if (first is not null && PlanLine.IsUnfinished(Encoding.UTF8.GetBytes(first)))
        {
            // Perhaps one object over several lines; if it isn't, its lines are requests after all.
            var rest = reader.ReadToEnd();
            var whole = $"{first}\n{rest}";
            if (PlanLine.IsComplete(Encoding.UTF8.GetBytes(whole)))
            {
                AnswerOne(whole);
                return allOk;
            }

            AnswerOne(first);
            using var lines = new StringReader(rest);
            AnswerAll(lines);
            return allOk;
        }

        if (first is not null)
        {
            AnswerOne(first);
        }

        AnswerAll(reader);
        return allOk;

        void AnswerAll(TextReader lines)
        {
            while (ReadNonBlank(lines) is { } line)
            {
                AnswerOne(line);
            }
        }

        void AnswerOne(string line)
        {
            output.Write(PlanLine.Answer(Encoding.UTF8.GetBytes(line), policy, out var ok));
            output.Write('\n');
            output.Flush();
            allOk &= ok;
        }
    }

    private static string? ReadNonBlank(TextReader reader)
    {
        string? line;
        do
        {
            line = reader.ReadLine();
        } while (line is not null && string.IsNullOrWhiteSpace(line));

        return line;
    }
}
