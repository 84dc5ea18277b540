using System.Collections.Immutable;
using System.Text.Json;

namespace PinAgent.Kubernetes.Client;

/// <summary>
/// Takes the API's messages apart without understanding the objects in them, so that one that can't be understood
/// costs only itself. Pure.
/// </summary>
internal static class ApiMessage
{
    private static readonly JsonReaderOptions Options = new() { MaxDepth = ApiJson.Deepest };

    /// <summary>A list: <c>{"metadata":{"resourceVersion":"7"},"items":[{…},{…}]}</c>.</summary>
    /// <exception cref="JsonException">It isn't one.</exception>
    public static (string Version, ImmutableArray<Range> Items) ReadList(ReadOnlySpan<byte> json)
    {
        var version = JsonSerializer
            .Deserialize(json, ApiJson.Default.ApiAny)
            ?.Metadata?.ResourceVersion;
        if (string.IsNullOrEmpty(version))
        {
            throw new JsonException("expected a list with metadata.resourceVersion, found none");
        }

        var items = ImmutableArray.CreateBuilder<Range>();
        var reader = new Utf8JsonReader(json, Options);
        try
        {
            if (Find(ref reader, "items"u8) && reader.TokenType == JsonTokenType.StartArray)
            {
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                {
                    items.Add(Skip(ref reader));
                }
            }
        }
        catch (InvalidOperationException problem)
        {
            throw NoText(problem);
        }

        return (version, items.DrainToImmutable());
    }

    /// <summary>A line of a watch: <c>{"type":"ADDED","object":{…}}</c>.</summary>
    /// <exception cref="JsonException">It isn't one.</exception>
    public static (string Type, Range Object) ReadEvent(ReadOnlySpan<byte> json)
    {
        try
        {
            var reader = new Utf8JsonReader(json, Options);
            var type =
                Find(ref reader, "type"u8) && reader.TokenType == JsonTokenType.String
                    ? reader.GetString()
                    : null;
            reader = new Utf8JsonReader(json, Options);
            return
                type is not null
                && Find(ref reader, "object"u8)
                && reader.TokenType == JsonTokenType.StartObject
                ? (type, Skip(ref reader))
                : throw new JsonException(
                    "expected a watch event with type and object, found another"
                );
        }
        catch (InvalidOperationException problem)
        {
            throw NoText(problem);
        }
    }

    /// <summary>The metadata of an object, if it has a uid and a name.</summary>
    public static ApiMetadata? ReadMetadata(ReadOnlySpan<byte> json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, ApiJson.Default.ApiAny)?.Metadata;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>The status in an error; one without content if it isn't a status.</summary>
    public static ApiStatus ReadStatus(ReadOnlySpan<byte> json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, ApiJson.Default.ApiStatus) ?? new ApiStatus();
        }
        catch (JsonException)
        {
            return new ApiStatus();
        }
    }

    private static JsonException NoText(InvalidOperationException problem) =>
        new("a text isn't UTF-8, or has half of a pair of UTF-16 escapes", problem);

    // To the value of a name of the outermost object.
    private static bool Find(ref Utf8JsonReader reader, ReadOnlySpan<byte> name)
    {
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            throw new JsonException("expected an object, found another value");
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var found = reader.ValueTextEquals(name);
            reader.Read();
            if (found)
            {
                return true;
            }

            reader.Skip();
        }

        return false;
    }

    private static Range Skip(ref Utf8JsonReader reader)
    {
        var start = (int)reader.TokenStartIndex;
        reader.Skip();
        return start..(int)reader.BytesConsumed;
    }
}
