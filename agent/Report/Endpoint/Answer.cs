using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;
using PinAgent.Report.Page;
using PinAgent.Report.Status;

namespace PinAgent.Report.Endpoint;

/// <summary>The whole answer to a request.</summary>
/// <param name="ContentType">What the body is; null without one.</param>
internal sealed record Answer(int Status, string? ContentType, ReadOnlyMemory<byte> Body)
{
    private const string JsonType = "application/json";

    /// <summary>The entity tag, with the quotes; null if it has none.</summary>
    public string? Tag { get; init; }

    /// <summary>Some text.</summary>
    public static Answer Text(string type, string text) =>
        new(StatusCodes.Status200OK, $"{type}; charset=utf-8", Encoding.UTF8.GetBytes(text));

    /// <summary>A page or a picture.</summary>
    public static Answer Markup(string type, Html markup) =>
        new(StatusCodes.Status200OK, $"{type}; charset=utf-8", markup.ToUtf8());

    /// <summary>A file that is part of the program.</summary>
    public static Answer File(string type, string name)
    {
        using var file =
            typeof(Answer).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"{name} isn't part of the program");
        var content = new byte[file.Length];
        file.ReadExactly(content);
        return new Answer(StatusCodes.Status200OK, type, content);
    }

    /// <summary>JSON that is there already.</summary>
    public static Answer Json(ReadOnlyMemory<byte> json) =>
        new(StatusCodes.Status200OK, JsonType, json);

    /// <summary>An object as JSON.</summary>
    public static Answer Json<T>(T value, JsonTypeInfo<T> type) =>
        Json(JsonSerializer.SerializeToUtf8Bytes(value, type));

    /// <summary>That the asker has what it would be sent.</summary>
    public static Answer Unchanged(string tag) =>
        new(StatusCodes.Status304NotModified, null, default) { Tag = tag };

    /// <summary>Before the first pass.</summary>
    public static Answer NotReady { get; } =
        Problem(
            StatusCodes.Status503ServiceUnavailable,
            "Not ready",
            "the agent hasn't made its first pass yet: ask again in a second"
        );

    /// <summary>Other clients are sent as much as the agent holds for them all.</summary>
    public static Answer Busy { get; } =
        Problem(
            StatusCodes.Status503ServiceUnavailable,
            "Busy",
            "other clients receive as much as the agent holds for all of them: ask again in a second"
        );

    /// <summary>A refusal.</summary>
    public static Answer Problem(int status, string title, string detail) =>
        new(
            status,
            "application/problem+json",
            JsonSerializer.SerializeToUtf8Bytes(
                new Problem(title, status, detail),
                ReportJsonContext.Compact.Problem
            )
        );
}
