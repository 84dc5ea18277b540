using System.Collections.Immutable;
using PinAgent.Model;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace PinAgent.Observe;

/// <summary>
/// Reads VMIs from files, YAML or JSON, several documents each. VirtualMachines are read for their templates; other
/// kinds are passed over.
/// </summary>
/// <remarks>Source: KubeVirt's <c>staging/src/kubevirt.io/api/core/v1/schema.go</c>.</remarks>
public static class VmiFile
{
    private const string EvenParityAnnotation =
        "alpha.kubevirt.io/EmulatorThreadCompleteToEvenParity";

    private static readonly string[] TrueWords =
    [
        .. "true True TRUE yes Yes YES on On ON y Y".Split(' '),
    ];

    private static readonly string[] FalseWords =
    [
        .. "false False FALSE no No NO off Off OFF n N".Split(' '),
    ];

    private static readonly string[] Extensions = [".yaml", ".yml", ".json"];

    /// <summary>Reads a file, or every YAML and JSON file of a folder.</summary>
    /// <exception cref="InvalidDataException">A file can't be read or isn't YAML, or there is no VMI in it.</exception>
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
                .. files.SelectMany(file => Parse(File.ReadAllText(file), file)),
            ];
            return vmis.IsEmpty
                ? throw new InvalidDataException(
                    $"--vmi {path}: expected a VirtualMachineInstance or a VirtualMachine, found none"
                )
                : vmis;
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new InvalidDataException($"--vmi {path}: {problem.Message}", problem);
        }
    }

    /// <summary>Reads a text of one or more documents.</summary>
    /// <param name="text">YAML or JSON.</param>
    /// <param name="source">The file's name, for messages.</param>
    /// <exception cref="InvalidDataException">The text isn't YAML, or a VMI in it contradicts its schema.</exception>
    public static ImmutableArray<VmiFacts> Parse(string text, string source)
    {
        var stream = new YamlStream();
        try
        {
            RequireFlat(text, source);
            stream.Load(new StringReader(text));
        }
        catch (YamlException problem)
        {
            throw new InvalidDataException(
                $"{source}:{problem.Start.Line}: expected YAML or JSON: {problem.Message}",
                problem
            );
        }

        var vmis = ImmutableArray.CreateBuilder<VmiFacts>();
        for (var i = 0; i < stream.Documents.Count; i++)
        {
            var where = $"{source}, document {i + 1}";
            var root = new Section(stream.Documents[i].RootNode as YamlMappingNode, where);
            switch (root.Text("kind"))
            {
                case "VirtualMachineInstance":
                    vmis.Add(Read(root["metadata"], root["metadata"], root["spec"]));
                    break;
                case "VirtualMachine":
                    var template = root["spec"]["template"];
                    vmis.Add(Read(root["metadata"], template["metadata"], template["spec"]));
                    break;
                default:
                    break;
            }
        }

        return vmis.ToImmutable();
    }

    // The document's tree is built by recursion: one nested too deep would end the process.
    private static void RequireFlat(string text, string source)
    {
        const int Deepest = 100;
        var depth = 0;
        for (var parser = new Parser(new StringReader(text)); parser.MoveNext(); )
        {
            depth += parser.Current?.NestingIncrease ?? 0;
            if (depth > Deepest)
            {
                throw new InvalidDataException(
                    $"{source}:{parser.Current?.Start.Line}: expected at most {Deepest} levels, found more"
                );
            }
        }
    }

    private static VmiFacts Read(Section identity, Section metadata, Section spec)
    {
        var domain = spec["domain"];
        var cpu = domain["cpu"];
        return new VmiFacts(
            identity.Text("namespace"),
            identity.Text("name")
                ?? throw new InvalidDataException($"{identity.Where}: expected a name, found none")
        )
        {
            DedicatedCpuPlacement = cpu.Flag("dedicatedCpuPlacement"),
            IsolateEmulatorThread = cpu.Flag("isolateEmulatorThread"),
            EmulatorThreadCompleteToEvenParity = metadata["annotations"].Has(EvenParityAnnotation),
            NumaPassthrough = cpu["numa"]["guestMappingPassthrough"].Exists,
            HasSupplementalIoThreads = domain.Text("ioThreadsPolicy") == "supplementalPool",
        };
    }

    /// <summary>A mapping of the document, empty where the document has none.</summary>
    private readonly struct Section
    {
        private readonly YamlMappingNode? _map;

        public Section(YamlNode? node, string where)
        {
            Where = where;
            _map = node as YamlMappingNode;
            if (node is not null && _map is null)
            {
                throw new InvalidDataException(
                    $"{where}: expected a mapping, found {Describe(node)}"
                );
            }
        }

        public string Where { get; }

        public bool Exists => _map is not null;

        public Section this[string key] => new(Find(key), $"{Where}, {key}");

        public bool Has(string key) => Find(key) is not null;

        public string? Text(string key) =>
            Find(key) is YamlScalarNode { Value: { Length: > 0 } value } ? value : null;

        // The words of YAML 1.1, as kubectl takes them; in quotes they are texts.
        public bool Flag(string key) =>
            Find(key) switch
            {
                null => false,
                YamlScalarNode { Style: ScalarStyle.Plain } node
                    when FalseWords.Contains(node.Value!) => false,
                YamlScalarNode { Style: ScalarStyle.Plain } node
                    when TrueWords.Contains(node.Value!) => true,
                var other => throw new InvalidDataException(
                    $"{Where}, {key}: expected true or false, found {Describe(other)}"
                ),
            };

        // A null is as good as nothing.
        private YamlNode? Find(string key) =>
            _map is not null
            && _map.Children.TryGetValue(new YamlScalarNode(key), out var value)
            && value
                is not YamlScalarNode
                {
                    Style: ScalarStyle.Plain,
                    Value: null or "" or "~" or "null" or "Null" or "NULL"
                }
                ? value
                : null;

        private static string Describe(YamlNode node) =>
            node switch
            {
                YamlScalarNode scalar => $"\"{scalar.Value}\"",
                YamlSequenceNode => "a list",
                _ => "a mapping",
            };
    }
}
