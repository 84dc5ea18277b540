using System.Collections.Immutable;
using PinAgent.Model.Kubernetes;
using PinAgent.Model.Text;
using PinAgent.NativeInterop.Files;

namespace PinAgent.Observe.Vmi;

/// <summary>
/// Reads VMIs from files, YAML or JSON, several documents each. VirtualMachines are read for their templates; other
/// kinds are passed over, and so are pools and replica sets, whose VMs have names of their own.
/// </summary>
internal static class VmiFile
{
    private const int LargestFile = 8 * 1024 * 1024;

    private static readonly string[] Extensions = [".yaml", ".yml", ".json"];

    /// <summary>Reads a file, or every YAML and JSON file of a folder.</summary>
    /// <exception cref="InvalidDataException">A file can't be read or isn't YAML, a VMI contradicts its schema, or there is none.</exception>
    public static ImmutableArray<VmiFacts> ReadAll(string path)
    {
        try
        {
            IEnumerable<string> files = Directory.Exists(path)
                ? Directory
                    .EnumerateFiles(path)
                    .Where(file => Extensions.Contains(Path.GetExtension(file)))
                    .Order(StringComparer.Ordinal)
                : [path];
            ImmutableArray<VmiFacts> vmis =
            [
                .. files.SelectMany(file => Parse(OwnFile.ReadText(file, LargestFile), file)),
            ];
            return vmis.IsEmpty
                ? throw new InvalidDataException(
                    $"--vmi {path}: expected a VirtualMachineInstance or a VirtualMachine, found none"
                )
                : vmis;
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new InvalidDataException($"--vmi {FileProblem.Describe(path, problem)}", problem);
        }
    }

    /// <summary>Reads a text of one or more documents.</summary>
    /// <param name="source">The file's name, for messages.</param>
    /// <exception cref="InvalidDataException">The text isn't YAML, or a VMI in it contradicts its schema.</exception>
    public static ImmutableArray<VmiFacts> Parse(string text, string source) =>
        [
            .. VmiReader
                .Read(text, source)
                .Where(document => document is { IsSkipped: false, IsMany: false, Kind: not null })
                .Select(document => FactsOf(document, $"{source}, document {document.Number}")),
        ];

    private static VmiFacts FactsOf(VmiDocument document, string where)
    {
        if (document.Vmi is { } vmi)
        {
            return new VmiFacts(
                document.Namespace,
                document.Name
                    ?? throw new InvalidDataException(
                        $"{where}, metadata: expected a name, found none"
                    )
            )
            {
                Spec = vmi,
            };
        }

        // What is missing doesn't keep a VMI from being read, what is of the wrong type does.
        var cause = document.Causes.FirstOrDefault(
            cause => cause.Reason != CauseReason.FieldValueRequired,
            document.Causes[0]
        );
        throw new InvalidDataException($"{where}: {cause.Field}: {cause.Message}");
    }
}
