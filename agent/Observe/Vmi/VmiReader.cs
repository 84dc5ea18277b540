using System.Collections.Immutable;
using PinAgent.Kubernetes.Objects;
using PinAgent.Model.Kubernetes;
using PinAgent.Model.Vm;

namespace PinAgent.Observe.Vmi;

/// <summary>
/// Reads Kubernetes objects, YAML or JSON, for what VirtualMachineInstances and VirtualMachines' templates say of
/// their CPUs. A list, as <c>kubectl get -o yaml</c> prints it, counts as its items.
/// </summary>
internal static class VmiReader
{
    private const string Group = "kubevirt.io/";
    private const string InstanceKind = "VirtualMachineInstance";
    private const string MachineKind = "VirtualMachine";
    private static readonly string[] ListKinds =
    [
        "List",
        InstanceKind + "List",
        MachineKind + "List",
    ];

    /// <summary>Reads a text of any number of documents; empty ones are counted, and left out.</summary>
    /// <param name="text">YAML or JSON.</param>
    /// <param name="source">The file's name, for messages.</param>
    /// <exception cref="InvalidDataException">The text is neither, or a document isn't an object.</exception>
    public static ImmutableArray<VmiDocument> Read(string text, string source) =>
        Read(text, source, firstLine: 1, before: 0, out _);

    /// <summary>Reads a part of a text.</summary>
    /// <param name="text">YAML or JSON.</param>
    /// <param name="source">The file's name, for messages.</param>
    /// <param name="firstLine">Which line of the file the part begins with.</param>
    /// <param name="before">How many documents were before it.</param>
    /// <param name="count">How many there are, with empty ones.</param>
    /// <exception cref="InvalidDataException">The text is neither, or a document isn't an object.</exception>
    public static ImmutableArray<VmiDocument> Read(
        string text,
        string source,
        int firstLine,
        int before,
        out int count
    )
    {
        var documents = ImmutableArray.CreateBuilder<VmiDocument>();
        var roots = Parse(text, source, firstLine);
        count = roots.Count;
        for (var i = 0; i < roots.Count; i++)
        {
            switch (roots[i])
            {
                case MapNode root:
                    documents.AddRange(ReadRoot(root, before + i + 1));
                    break;
                case ScalarNode { IsNull: true }:
                    break;
                default:
                    throw new InvalidDataException(
                        $"{source}, document {before + i + 1}: expected a Kubernetes object, found {roots[i].Kind}"
                    );
            }
        }

        return documents.ToImmutable();
    }

    private static List<ObjectNode> Parse(string text, string source, int firstLine)
    {
        try
        {
            return (text.AsSpan().TrimStart() is ['{', ..] ? JsonReader.TryRead(text) : null)
                ?? YamlReader.Read(text, firstLine);
        }
        catch (FormatException problem)
        {
            throw new InvalidDataException(
                $"{source}: expected YAML or JSON: {problem.Message}",
                problem
            );
        }
    }

    private static IEnumerable<VmiDocument> ReadRoot(MapNode root, int number)
    {
        var causes = new List<Cause>();
        var section = new Section(root, "", causes);
        if (!ListKinds.Contains(section.Text("kind")))
        {
            return [ReadObject(section, number, causes)];
        }

        var items = section.Items("items");
        return causes.Count > 0
            ? [new VmiDocument(number, section.Text("kind"), null, null) { Causes = [.. causes] }]
            : items.Select((item, index) => ReadItem(item, index, number));
    }

    private static VmiDocument ReadItem(ObjectNode item, int index, int number)
    {
        var causes = new List<Cause>();
        if (item is MapNode map)
        {
            return ReadObject(new Section(map, "", causes), number, causes);
        }

        return new VmiDocument(number, null, null, null)
        {
            Causes =
            [
                new Cause(
                    $"items[{index}]",
                    CauseReason.FieldValueTypeInvalid,
                    $"expected an object, found {item.Kind}"
                ),
            ],
        };
    }

    private static VmiDocument ReadObject(Section root, int number, List<Cause> causes)
    {
        var kind = root.Text("kind");
        var group = root.Text("apiVersion");
        var isOurs =
            kind is InstanceKind or MachineKind
            && (group is null || group.StartsWith(Group, StringComparison.Ordinal));
        var metadata = root["metadata"];
        var document = new VmiDocument(
            number,
            kind,
            metadata.Text("namespace"),
            metadata.Text("name")
        );
        if (kind is not null && !isOurs)
        {
            return document with { IsSkipped = true };
        }

        root.Require("kind", $"the object's kind, {InstanceKind} or {MachineKind}");
        var vmi = kind switch
        {
            InstanceKind => VmiSpecReader.Read(root, metadata) with
            {
                IsStored = metadata.Has("uid"),
            },
            MachineKind => ReadTemplate(root, metadata),
            _ => null,
        };
        var isReadable = causes.TrueForAll(cause => cause.Reason == CauseReason.FieldValueRequired);
        return document with { Vmi = isReadable ? vmi : null, Causes = [.. causes] };
    }

    private static VmiSpec ReadTemplate(Section root, Section metadata)
    {
        root.Require("spec", "the machine's spec");
        root["spec"].Require("template", "the template of its VirtualMachineInstance");
        var template = root["spec"]["template"];
        return VmiSpecReader.Read(template, template["metadata"]) with
        {
            SpecPath = "spec.template.spec",
            IsStored = metadata.Has("uid"),
            HasInstancetype = root["spec"]["instancetype"].Exists,
        };
    }
}
