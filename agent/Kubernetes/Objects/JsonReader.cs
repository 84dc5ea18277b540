using System.Text;
using System.Text.Json;

namespace PinAgent.Kubernetes.Objects;

/// <summary>
/// Reads JSON documents, one after another. YAML's parser would take most JSON, but neither tabs nor
/// <c>\ud83d\ude00</c>.
/// </summary>
internal static class JsonReader
{
    private static readonly JsonReaderOptions Options = new()
    {
        AllowMultipleValues = true,
        MaxDepth = ObjectNode.MaxDepth,
    };

    /// <summary>Reads all documents, if the text is JSON throughout.</summary>
    public static List<ObjectNode>? TryRead(string text)
    {
        var documents = new List<ObjectNode>();
        try
        {
            var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(text), Options);
            while (reader.Read())
            {
                using var document = JsonDocument.ParseValue(ref reader);
                documents.Add(ToNode(document.RootElement));
            }
        }
        catch (Exception problem) when (problem is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: half of a pair of UTF-16 escapes.
            return null;
        }

        return documents;
    }

    /// <summary>Reads one document.</summary>
    /// <exception cref="JsonException">It isn't JSON, or an object in it has a name twice.</exception>
    public static ObjectNode Read(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, Options);
        try
        {
            using var document = JsonDocument.ParseValue(ref reader);
            return ToNode(document.RootElement);
        }
        catch (InvalidOperationException problem)
        {
            throw new JsonException("half of a pair of UTF-16 escapes", problem);
        }
    }

    private static ObjectNode ToNode(JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                var values = new Dictionary<string, ObjectNode>(StringComparer.Ordinal);
                foreach (var property in element.EnumerateObject())
                {
                    if (!values.TryAdd(property.Name, ToNode(property.Value)))
                    {
                        throw new JsonException("a name is given twice in one object");
                    }
                }

                return new MapNode(values);
            case JsonValueKind.Array:
                return new ListNode([.. element.EnumerateArray().Select(ToNode)]);
            case JsonValueKind.String:
                return new ScalarNode(element.GetString()!, IsQuoted: true);
            case JsonValueKind.Null or JsonValueKind.Undefined:
                return ScalarNode.Null;
            default:
                return new ScalarNode(element.GetRawText(), IsQuoted: false);
        }
    }
}
