using System.Globalization;
using PinAgent.Model.Kubernetes;

namespace PinAgent.Kubernetes.Objects;

/// <summary>
/// An object within a document, empty where the document has none. Reads named fields only, and notes each that is
/// of another type than the schema's.
/// </summary>
internal readonly struct Section
{
    private const int LongestShown = 40;

    private readonly MapNode? _map;
    private readonly string _path;
    private readonly ICollection<Cause> _causes;

    /// <summary>Creates a section.</summary>
    /// <param name="map">Its fields; null for none.</param>
    /// <param name="path">Where it is in the document; empty for the root.</param>
    /// <param name="causes">Takes what contradicts the schema.</param>
    public Section(MapNode? map, string path, ICollection<Cause> causes)
    {
        _map = map;
        _path = path;
        _causes = causes;
    }

    /// <summary>Whether the document has it.</summary>
    public bool Exists => _map is not null;

    /// <summary>Where it is in the document; empty for the root.</summary>
    public string Path => _path;

    /// <summary>The fields' names; empty where the document has none.</summary>
    public IEnumerable<string> Names => _map?.Values.Keys ?? [];

    /// <summary>An object among the fields.</summary>
    public Section this[string name] =>
        Find(name) switch
        {
            null => new Section(null, PathOf(name), _causes),
            MapNode map => new Section(map, PathOf(name), _causes),
            var other => Contradicts(
                name,
                "an object",
                other,
                new Section(null, PathOf(name), _causes)
            ),
        };

    /// <summary>The values of a list among the fields; empty if there is none.</summary>
    public IReadOnlyList<ObjectNode> Items(string name) =>
        Find(name) switch
        {
            null => [],
            ListNode list => list.Values,
            var other => Contradicts<IReadOnlyList<ObjectNode>>(name, "a list", other, []),
        };

    /// <summary>The objects of a list among the fields; what else is in it is noted and left out.</summary>
    public IEnumerable<Section> Sections(string name)
    {
        var items = Items(name);
        for (var i = 0; i < items.Count; i++)
        {
            if (items[i] is MapNode map)
            {
                yield return new Section(map, $"{PathOf(name)}[{i}]", _causes);
            }
            else
            {
                Contradicts($"{name}[{i}]", "an object", items[i], 0);
            }
        }
    }

    /// <summary>A text; null if there is none.</summary>
    public string? Text(string name) =>
        Find(name) switch
        {
            null => null,
            ScalarNode { Text: "" } => null,
            ScalarNode scalar => scalar.Text,
            var other => Contradicts<string?>(name, "text", other, null),
        };

    /// <summary>
    /// A text that the schema takes for nothing else: a number, or true and false, need quotes. Null if there is none.
    /// </summary>
    public string? TextOnly(string name) =>
        Find(name) switch
        {
            null => null,
            ScalarNode { IsText: true } text => text.Text,
            var other => Contradicts<string?>(
                name,
                "text, in quotes if it looks like a number",
                other,
                null
            ),
        };

    /// <summary>Whether a field is there, whatever it is.</summary>
    public bool Has(string name) => Find(name) is not null;

    /// <summary>True or false; false if there is neither.</summary>
    public bool Flag(string name) =>
        Find(name) switch
        {
            null => false,
            ScalarNode { Flag: { } flag } => flag,
            var other => Contradicts(name, "true or false", other, false),
        };

    /// <summary>A number of things, 0 if there is none.</summary>
    public uint Count(string name)
    {
        if (Find(name) is not { } node)
        {
            return 0;
        }

        if (
            node is not ScalarNode { IsQuoted: false } scalar
            || !decimal.TryParse(
                scalar.Text,
                NumberStyles.AllowLeadingSign,
                CultureInfo.InvariantCulture,
                out var number
            )
        )
        {
            return Contradicts(name, "a whole number", node, 0u);
        }

        if (IsOctal(scalar))
        {
            return Contradicts(
                name,
                "a number without a leading zero, which YAML takes for octal",
                node,
                0u
            );
        }

        return number is >= 0 and <= uint.MaxValue
            ? (uint)number
            : Note(
                name,
                CauseReason.FieldValueInvalid,
                $"expected 0 to {uint.MaxValue}, found {Show(scalar)}",
                0u
            );
    }

    /// <summary>A quantity; null if there is none.</summary>
    public Quantity? Quantity(string name)
    {
        if (Find(name) is not { } node)
        {
            return null;
        }

        if (node is not ScalarNode { Flag: null } scalar || IsOctal(scalar))
        {
            return Contradicts<Quantity?>(
                name,
                "a quantity, a number or text such as 2 or \"2Gi\"",
                node,
                null
            );
        }

        return Model.Kubernetes.Quantity.TryParse(scalar.Text.Trim(), out var quantity)
            ? quantity
            : Note<Quantity?>(
                name,
                CauseReason.FieldValueInvalid,
                $"expected a Kubernetes quantity such as 2, 1500m or 2Gi, found {Show(scalar)}",
                null
            );
    }

    /// <summary>Notes that a field is missing, if it is.</summary>
    public void Require(string name, string what)
    {
        if (_map is not null && Find(name) is null)
        {
            Note(name, CauseReason.FieldValueRequired, $"expected {what}, found nothing", 0);
        }
    }

    private static bool IsOctal(ScalarNode scalar) =>
        !scalar.IsQuoted && scalar.Text.TrimStart('+', '-') is ['0', >= '0' and <= '9', ..];

    private static string Show(ScalarNode scalar) =>
        scalar.Text.Length <= LongestShown
            ? $"\"{scalar.Text}\""
            : $"\"{scalar.Text[..LongestShown]}…\"";

    private static string Describe(ObjectNode found) =>
        found switch
        {
            ScalarNode { IsQuoted: true } text => $"the text {Show(text)}",
            ScalarNode scalar => Show(scalar),
            _ => found.Kind,
        };

    private T Contradicts<T>(string name, string expected, ObjectNode found, T value) =>
        Note(
            name,
            CauseReason.FieldValueTypeInvalid,
            $"expected {expected}, found {Describe(found)}",
            value
        );

    private T Note<T>(string name, CauseReason reason, string message, T value)
    {
        // A section that is asked for twice is wrong once.
        var field = PathOf(name);
        if (_causes.All(cause => cause.Field != field))
        {
            _causes.Add(new Cause(field, reason, message));
        }

        return value;
    }

    private string PathOf(string name) => _path.Length == 0 ? name : $"{_path}.{name}";

    private ObjectNode? Find(string name) =>
        _map is not null
        && _map.Values.TryGetValue(name, out var value)
        && value is not ScalarNode { IsNull: true }
            ? value
            : null;
}
