using System.Collections.Immutable;
using PinAgent.Kubernetes.Objects;
using PinAgent.Model.Kubernetes;

namespace PinAgent.Observe.Vmi;

/// <summary>
/// Reads Kubernetes objects, YAML or JSON, for what VirtualMachineInstances, and the templates of VirtualMachines, pools
/// and replica sets, say of their CPUs, with the instancetypes that are beside them. A list, as
/// <c>kubectl get -o yaml</c> prints it, counts as its items.
/// </summary>
internal static class VmiReader
{
    private static readonly ImmutableArray<string> ListKinds =
    [
        "List",
        .. VmiKind.All.Select(kind => kind.Name + "List"),
        .. Instancetype.Kinds.Select(kind => kind + "List"),
        .. Preference.Kinds.Select(kind => kind + "List"),
    ];

    /// <summary>Reads a text of any number of documents; empty ones are counted, and left out.</summary>
    /// <param name="source">The file's name, for messages.</param>
    /// <exception cref="InvalidDataException">The text is neither, or a document isn't an object.</exception>
    public static ImmutableArray<VmiDocument> Read(string text, string source) =>
        Read(text, source, firstLine: 1, before: 0, out _);

    /// <summary>Reads a part of a text.</summary>
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

        return InstancetypeApplier.Apply(documents.ToImmutable());
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
        if (section.Text("kind") is not { } kind || !ListKinds.Contains(kind))
        {
            return [ReadObject(section, number, causes)];
        }

        var items = section.Items("items");
        return causes.Count > 0
            ? [new VmiDocument(number, kind, null, null) { Causes = [.. causes] }]
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
        var name = root.Text("kind");
        var version = root.Text("apiVersion");
        var metadata = root["metadata"];
        var document = new VmiDocument(
            number,
            name,
            metadata.Text("namespace"),
            metadata.Text("name")
        );
        if (VmiKind.Of(name, version) is { } kind)
        {
            return ReadVmi(document, kind, root, metadata, causes);
        }

        if (Instancetype.IsOne(name, version))
        {
            var instancetype = Instancetype.Read(root);
            return document with
            {
                Instancetype = causes.Count == 0 ? instancetype : null,
                Causes = [.. causes],
                Warnings = [.. UnknownCpuFields.OfInstancetype(root["spec"])],
                IsSkipped = causes.Count == 0,
            };
        }

        if (Preference.IsOne(name, version))
        {
            var preference = Preference.Read(root);
            return document with
            {
                Preference = causes.Count == 0 ? preference : null,
                Causes = [.. causes],
                IsSkipped = causes.Count == 0,
            };
        }

        root.Require("kind", $"the object's kind, {VmiKind.Instance} or {VmiKind.MachineName}");
        return document with { IsSkipped = name is not null, Causes = [.. causes] };
    }

    private static VmiDocument ReadVmi(
        VmiDocument document,
        VmiKind kind,
        Section root,
        Section metadata,
        List<Cause> causes
    )
    {
        var template = root;
        foreach (var step in kind.Template)
        {
            template.Require(
                step,
                step == "spec" ? "its spec" : "the template of its VirtualMachineInstance"
            );
            template = template[step];
        }

        var machine = kind.Machine?.Aggregate(root, (section, step) => section[step])["spec"];
        var vmi = VmiSpecReader.Read(template, template["metadata"]) with
        {
            SpecPath = kind.SpecPath,
            IsStored = metadata.Has("uid"),
            HasInstancetype = (machine ?? root["spec"])["instancetype"].Exists,
        };
        var isReadable = causes.TrueForAll(cause => cause.Reason == CauseReason.FieldValueRequired);
        return document with
        {
            IsMany = kind.IsMany,
            Vmi = isReadable ? vmi : null,
            InstancetypeName = ObjectReference.Read(
                machine?["instancetype"],
                Instancetype.DefaultKind
            ),
            PreferenceName = ObjectReference.Read(machine?["preference"], Preference.DefaultKind),
            Causes = [.. causes],
            Warnings = [.. UnknownCpuFields.OfVmi(template["spec"], vmi.DedicatedCpuPlacement)],
        };
    }
}
