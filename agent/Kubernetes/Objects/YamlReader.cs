using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace PinAgent.Kubernetes.Objects;

/// <summary>Reads YAML documents, as far as Kubernetes objects use YAML: anchors and merged maps included.</summary>
/// <remarks>
/// From the parser's events: YamlDotNet's own tree is built by recursion without an end, so that a document of many
/// opening brackets would overflow the stack.
/// </remarks>
internal sealed class YamlReader
{
    private const string MergeKey = "<<";
    private const string TextTag = "tag:yaml.org,2002:str";

    private readonly Parser _parser;
    private int _values;
    private readonly Dictionary<AnchorName, ObjectNode> _anchors = [];

    private YamlReader(string text) => _parser = new Parser(new StringReader(text));

    /// <summary>Reads all documents; an empty one is null.</summary>
    /// <param name="firstLine">What the first line is called in messages.</param>
    /// <exception cref="FormatException">It isn't YAML; the message begins with the line.</exception>
    public static List<ObjectNode> Read(string text, int firstLine = 1)
    {
        var reader = new YamlReader(text);
        try
        {
            return reader.ReadDocuments();
        }
        catch (YamlException problem)
        {
            throw new FormatException(
                $"line {problem.Start.Line + firstLine - 1}: {problem.Message}",
                problem
            );
        }
        catch (Exception problem) when (problem is ArgumentException or InvalidOperationException)
        {
            // The parser's own faults, which random texts bring out: "!![" and "? {\nen\t?".
            throw new FormatException(
                $"after line {(reader._parser.Current?.End.Line ?? 1) + firstLine - 1}: text that isn't YAML",
                problem
            );
        }
    }

    private List<ObjectNode> ReadDocuments()
    {
        var documents = new List<ObjectNode>();
        _parser.Consume<StreamStart>();
        while (!_parser.TryConsume<StreamEnd>(out _))
        {
            _parser.Consume<DocumentStart>();
            _anchors.Clear();
            _values = 0;
            documents.Add(ReadNode(depth: 0));
            _parser.Consume<DocumentEnd>();
        }

        return documents;
    }

    private ObjectNode ReadNode(int depth)
    {
        var item = _parser.Consume<ParsingEvent>();
        Count(item);
        if (depth > ObjectNode.MaxDepth)
        {
            throw new YamlException(
                item.Start,
                item.End,
                $"nested deeper than {ObjectNode.MaxDepth} levels"
            );
        }

        if (item is AnchorAlias alias)
        {
            return _anchors.TryGetValue(alias.Value, out var known)
                ? known
                : throw new YamlException(
                    alias.Start,
                    alias.End,
                    $"alias *{alias.Value} names no earlier value"
                );
        }

        ObjectNode node = item switch
        {
            MappingStart => ReadMap(depth),
            SequenceStart => ReadList(depth),
            Scalar scalar => new ScalarNode(scalar.Value, IsText(scalar)),
            _ => throw new YamlException(item.Start, item.End, "expected a value"),
        };
        if (item is NodeEvent { Anchor: { IsEmpty: false } anchor })
        {
            _anchors[anchor] = node;
        }

        return node;
    }

    private ListNode ReadList(int depth)
    {
        var values = new List<ObjectNode>();
        while (!_parser.TryConsume<SequenceEnd>(out _))
        {
            values.Add(ReadNode(depth + 1));
        }

        return new ListNode(values);
    }

    private MapNode ReadMap(int depth)
    {
        var values = new Dictionary<string, ObjectNode>(StringComparer.Ordinal);
        var merged = new List<MapNode>();
        while (!_parser.TryConsume<MappingEnd>(out _))
        {
            if (!_parser.TryConsume<Scalar>(out var key))
            {
                throw Unexpected("expected a name");
            }

            var value = ReadNode(depth + 1);
            if (key is { Value: MergeKey, Style: ScalarStyle.Plain })
            {
                merged.AddRange(MapsOf(value));
            }
            else if (!values.TryAdd(key.Value, value))
            {
                throw new YamlException(key.Start, key.End, "a name is given twice in one object");
            }
        }

        // A name of the object's own wins, then the first map merged.
        foreach (var (name, value) in merged.SelectMany(map => map.Values))
        {
            Count(_parser.Current!);
            values.TryAdd(name, value);
        }

        return new MapNode(values);
    }

    // A value of one character takes a hundred bytes and more, and a merged map has all of another's.
    private void Count(ParsingEvent at)
    {
        if (++_values > ObjectNode.MostValues)
        {
            throw new YamlException(
                at.Start,
                at.End,
                $"expected at most {ObjectNode.MostValues} values in a document, found more"
            );
        }
    }

    private IEnumerable<MapNode> MapsOf(ObjectNode value) =>
        value switch
        {
            MapNode map => [map],
            ListNode list when list.Values.All(item => item is MapNode) =>
                list.Values.Cast<MapNode>(),
            _ => throw Unexpected($"{MergeKey} merges objects"),
        };

    private YamlException Unexpected(string message)
    {
        var (start, end) = _parser.Current is { } current
            ? (current.Start, current.End)
            : (Mark.Empty, Mark.Empty);
        return new YamlException(start, end, message);
    }

    private static bool IsText(Scalar scalar) =>
        scalar.Style != ScalarStyle.Plain || (!scalar.Tag.IsEmpty && scalar.Tag.Value == TextTag);
}
