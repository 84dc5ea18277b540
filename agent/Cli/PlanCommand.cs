using System.CommandLine;
using System.Text;
using PinAgent.Cli.Input;
using PinAgent.Cli.Options;
using PinAgent.Cli.Terminal;
using PinAgent.Model.Text;
using PinAgent.Plan.Placement;

namespace PinAgent.Cli;

/// <summary><c>pinagent plan</c>: placement from JSON, no machine needed.</summary>
internal static class PlanCommand
{
    // The topology of the largest machine has some hundred thousand.
    private const int MostCharacters = 2 * 1024 * 1024;

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
            echo '{"topology":{"cpus":[{"id":0,"core":0},{"id":1,"core":1},
                   {"id":2,"core":2}]},"cpuset":"0-2",
                   "guest":{"sockets":2,"isolateEmulatorThread":true}}' | pinagent plan
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
                return Failure.Because(
                    $"plan: {FileProblem.Describe(path ?? "standard input", problem)}"
                );
            }
        });
        return command;
    }

    /// <summary>Answers every request of the input.</summary>
    /// <returns>Whether every VM can be placed.</returns>
    internal static bool Answer(Stream input, TextWriter output, IPlacementPolicy policy)
    {
        using var reader = new StreamReader(input, new UTF8Encoding(false));
        var lines = new BoundedLines(reader, MostCharacters);
        var allOk = true;
        if (!TryReadNonBlank(lines, out var first, out var isTooLong))
        {
            return allOk;
        }

        if (isTooLong || !PlanLine.IsUnfinished(Encoding.UTF8.GetBytes(first)))
        {
            AnswerOne(first, isTooLong);
            AnswerAll(lines);
            return allOk;
        }

        // Perhaps one object over several lines; if it isn't, its lines are requests after all.
        var whole = new StringBuilder(first).Append('\n');
        var hasEnded = false;
        while (whole.Length <= MostCharacters && !isTooLong && !hasEnded)
        {
            hasEnded = !lines.TryRead(out var line, out isTooLong);
            whole.Append(isTooLong || hasEnded ? "" : $"{line}\n");
        }

        var text = whole.ToString();
        if (hasEnded && PlanLine.IsComplete(Encoding.UTF8.GetBytes(text)))
        {
            AnswerOne(text, isTooLong: false);
            return allOk;
        }

        using var seen = new StringReader(text);
        AnswerAll(new BoundedLines(seen, MostCharacters));
        if (isTooLong)
        {
            AnswerOne("", isTooLong);
        }

        AnswerAll(lines);
        return allOk;

        void AnswerAll(BoundedLines rest)
        {
            while (TryReadNonBlank(rest, out var line, out var isCut))
            {
                AnswerOne(line, isCut);
            }
        }

        void AnswerOne(string line, bool isTooLong)
        {
            var ok = false;
            var answer = isTooLong
                ? PlanLine.TooLong(MostCharacters)
                : PlanLine.Answer(Encoding.UTF8.GetBytes(line), policy, out ok);
            output.Write(Words.PrintableJson(answer));
            output.Write('\n');
            output.Flush();
            allOk &= ok;
        }
    }

    private static bool TryReadNonBlank(BoundedLines lines, out string line, out bool isTooLong)
    {
        bool isThere;
        do
        {
            isThere = lines.TryRead(out line, out isTooLong);
        } while (isThere && !isTooLong && string.IsNullOrWhiteSpace(line));

        return isThere;
    }
}
