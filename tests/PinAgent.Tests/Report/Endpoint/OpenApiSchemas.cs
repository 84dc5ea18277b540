using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using System.Xml.Linq;
using PinAgent.Report.Status;

namespace PinAgent.Tests.Report.Endpoint;

/// <summary>The JSON schemas of the agent's records, with their docstrings as descriptions.</summary>
internal sealed class OpenApiSchemas
{
    private readonly SortedDictionary<string, JsonObject> _schemas = new(StringComparer.Ordinal);

    private readonly Dictionary<string, XElement> _docs = XDocument
        .Load(Path.ChangeExtension(typeof(NodeStatus).Assembly.Location, "xml"))
        .Descendants("member")
        .ToDictionary(member => member.Attribute("name")!.Value);

    /// <summary>Adds a record and those it refers to.</summary>
    public void Add(Type type)
    {
        if (_schemas.ContainsKey(type.Name))
        {
            return;
        }

        var schema = new JsonObject { ["type"] = "object", ["description"] = Summary(Doc(type)) };
        _schemas[type.Name] = schema;
        var properties = new JsonObject();
        foreach (var property in TypeInfo(type).Properties)
        {
            var value = SchemaOf(property.PropertyType, property.IsGetNullable);
            value["description"] = Describe(type, property);
            properties[property.Name] = value;
        }

        schema["properties"] = properties;
        schema["required"] = new JsonArray([.. properties.Select(property => property.Key)]);
    }

    public JsonObject ToJson() =>
        new(_schemas.Select(schema => KeyValuePair.Create(schema.Key, (JsonNode?)schema.Value)));

    private static JsonTypeInfo TypeInfo(Type type) =>
        ReportJson.Default.GetTypeInfo(type)
        ?? throw new InvalidOperationException($"{type} isn't part of the agent's JSON");

    private JsonObject SchemaOf(Type type, bool isNullable)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type.IsEnum)
        {
            var words = Enum.GetValues(type)
                .Cast<object>()
                .Select(value => JsonSerializer.SerializeToNode(value, TypeInfo(type)));
            return new JsonObject
            {
                ["type"] = TypeWord("string", isNullable),
                ["enum"] = new JsonArray([.. words, .. isNullable ? [null] : (JsonNode?[])[]]),
            };
        }

        var info = TypeInfo(type);
        switch (info.Kind)
        {
            case JsonTypeInfoKind.Object:
                Add(type);
                var reference = new JsonObject { ["$ref"] = $"#/components/schemas/{type.Name}" };
                return isNullable
                    ? new JsonObject
                    {
                        ["oneOf"] = new JsonArray(reference, new JsonObject { ["type"] = "null" }),
                    }
                    : reference;
            case JsonTypeInfoKind.Enumerable:
                return new JsonObject
                {
                    ["type"] = "array",
                    ["items"] = SchemaOf(info.ElementType!, false),
                };
            case JsonTypeInfoKind.Dictionary:
                return new JsonObject
                {
                    ["type"] = "object",
                    ["additionalProperties"] = SchemaOf(info.ElementType!, false),
                };
            default:
                var schema = new JsonObject
                {
                    ["type"] = TypeWord(
                        type == typeof(bool) ? "boolean"
                            : type == typeof(int) || type == typeof(long) ? "integer"
                            : "string",
                        isNullable
                    ),
                };
                if (type == typeof(DateTimeOffset))
                {
                    schema["format"] = "date-time";
                }

                return schema;
        }
    }

    private static JsonNode TypeWord(string word, bool isNullable) =>
        isNullable ? new JsonArray(word, "null") : JsonValue.Create(word);

    private string Describe(Type type, JsonPropertyInfo property)
    {
        var name = ((MemberInfo)property.AttributeProvider!).Name;
        var parameter = Doc(type)
            ?.Elements("param")
            .FirstOrDefault(param => param.Attribute("name")!.Value == name);
        return parameter is null
            ? Summary(_docs.GetValueOrDefault($"P:{type.FullName}.{name}"))
            : Text(parameter);
    }

    private XElement? Doc(Type type) => _docs.GetValueOrDefault($"T:{type.FullName}");

    private static string Summary(XElement? doc) =>
        doc?.Element("summary") is { } summary
            ? Text(summary)
            : throw new InvalidOperationException("a type or property has no docstring");

    private static string Text(XElement element) =>
        string.Join(' ', element.Value.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
}
