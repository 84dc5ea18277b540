using System.CommandLine;
using System.Text;
using System.Text.Json;
using PinAgent.Cli.Input;
using PinAgent.Cli.Options;
using PinAgent.Cli.Terminal;
using PinAgent.Model.Text;
using PinAgent.Observe.Vmi;
using PinAgent.Plan.Rules;
using PinAgent.Report.Rules;
using PinAgent.Report.Status;

namespace PinAgent.Cli;

/// <summary><c>pinagent validate</c>: the rules for VMs with dedicated CPUs, on files.</summary>
internal static class ValidateCommand
{
    private const int MostObjects = 50_000;
    private const string StandardInput = "-";

    public static Command Create()
    {
        var file = new Option<string?>("--file", "-f")
        {
            Description = "Needed: YAML or JSON, any number of documents; - for standard input.",
            HelpName = "FILE",
        };
        var output = CommonOptions.Output("text");
        var command = new DetailedCommand(
            "validate",
            "Check VirtualMachineInstances, and the templates of VirtualMachines, pools and replica sets, against the rules "
                + "for dedicated CPUs.",
            """
            Names every broken rule with its field and what to do, misspelt fields, and how many CPUs of its own each object
            asks for; no cluster needed, nothing touched.
            Exits with 0 if all are valid, 1 if any isn't, 3 if the file can't be read. Objects of other kinds are
            listed as skipped. A VM is checked with its instancetype and preference if they are in the same file; otherwise
            the answer is unknown, which counts as neither.
            """,
            """
            pinagent validate -f vm.yaml
            kubectl get vmi -A -o yaml | pinagent validate -f - -o json
            kubectl get vm,virtualmachineclusterinstancetype -A -o yaml |
              pinagent validate -f -
            """
        )
        {
            file,
            output,
        };
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(file) is not { Length: > 0 } path)
            {
                return Failure.Usage(
                    "validate: expected -f FILE, or -f - for standard input, found neither"
                );
            }

            try
            {
                var verdicts = Judge(path);
                if (verdicts.Count == 0)
                {
                    return Failure.Because(
                        $"validate: {Describe(path)}: expected Kubernetes objects, found an empty file"
                    );
                }

                Output.Print(
                    output.Get(parsed),
                    () => ValidateText.Render(verdicts),
                    () =>
                        JsonSerializer.Serialize(
                            verdicts,
                            ReportJsonContext.Readable.IReadOnlyListValidateStatus
                        )
                );
                return verdicts.Any(verdict => verdict.Valid == false)
                    ? ExitCode.No
                    : ExitCode.Fine;
            }
            catch (InvalidDataException problem)
            {
                return Failure.Because($"validate: {problem.Message}");
            }
            catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
            {
                return Failure.Because(
                    $"validate: {FileProblem.Describe(Describe(path), problem)}"
                );
            }
        });
        return command;
    }

    private static string Describe(string path) => path == StandardInput ? "standard input" : path;

    // One document after the other, so that no more than its verdict is kept of each.
    private static IReadOnlyList<ValidateStatus> Judge(string path)
    {
        if (Directory.Exists(path))
        {
            throw new InvalidDataException($"{path}: expected a file, found a folder");
        }

        using var input = path == StandardInput ? Console.OpenStandardInput() : File.OpenRead(path);
        using var reader = new StreamReader(input, new UTF8Encoding(false));
        return Judge(reader, Describe(path));
    }

    /// <summary>Judges every object of a text.</summary>
    /// <exception cref="InvalidDataException">It can't be understood, or has too much in it.</exception>
    internal static IReadOnlyList<ValidateStatus> Judge(TextReader text, string source)
    {
        var context = new RuleContext();
        var verdicts = new List<ValidateStatus>();
        var before = 0;
        foreach (var (piece, firstLine) in DocumentSource.Divide(text, source))
        {
            var documents = VmiReader.Read(piece, source, firstLine, before, out var count);
            verdicts.AddRange(documents.Select(document => ValidateStatus.Of(document, context)));
            before += count;
            if (verdicts.Count > MostObjects || before > MostObjects)
            {
                throw new InvalidDataException(
                    $"{source}: expected at most {MostObjects} objects, found more: split it"
                );
            }
        }

        return verdicts;
    }
}
