using System.Globalization;

namespace PinAgent.Kubernetes.Objects;

/// <summary>A value of a YAML or JSON document.</summary>
internal abstract record ObjectNode
{
    /// <summary>How many values a document may have; a list of a thousand VMs has some hundred thousand.</summary>
    public const int MostValues = 500_000;

    /// <summary>How deep documents may be nested; Kubernetes objects have some twenty levels.</summary>
    public const int MaxDepth = 200;

    /// <summary>What it is, in a word for messages.</summary>
    public abstract string Kind { get; }
}

/// <summary>Names and their values.</summary>
internal sealed record MapNode(IReadOnlyDictionary<string, ObjectNode> Values) : ObjectNode
{
    /// <inheritdoc/>
    public override string Kind => "an object";
}

/// <summary>Values in order.</summary>
internal sealed record ListNode(IReadOnlyList<ObjectNode> Values) : ObjectNode
{
    /// <inheritdoc/>
    public override string Kind => "a list";
}

/// <summary>A single value.</summary>
/// <param name="Text">As it is written.</param>
/// <param name="IsQuoted">Whether it is text whatever it looks like.</param>
internal sealed record ScalarNode(string Text, bool IsQuoted) : ObjectNode
{
    /// <summary>Nothing.</summary>
    public static ScalarNode Null { get; } = new("null", IsQuoted: false);

    /// <inheritdoc/>
    public override string Kind => IsNull ? "nothing" : "a single value";

    /// <summary>Whether it stands for nothing.</summary>
    public bool IsNull => !IsQuoted && Text is "" or "~" or "null" or "Null" or "NULL";

    /// <summary>Whether it is text to the API server: in quotes, or nothing else that YAML knows.</summary>
    /// <remarks>YAML 1.1, as kubectl reads it; of its ways to write numbers those that people use.</remarks>
    public bool IsText =>
        IsQuoted
        || (
            !IsNull
            && Flag is null
            && !double.TryParse(
                Text.Replace("_", "", StringComparison.Ordinal),
                NumberStyles.Float,
                CultureInfo.InvariantCulture,
                out _
            )
            && !Text.StartsWith("0x", StringComparison.Ordinal)
        );

    /// <summary>Whether it is true or false; null if it is neither.</summary>
    /// <remarks>YAML 1.1, as kubectl reads it (<c>go.yaml.in/yaml/v2</c>, <c>resolve.go</c>).</remarks>
    public bool? Flag =>
        IsQuoted
            ? null
            : Text switch
            {
                "true" or "True" or "TRUE" => true,
                "yes" or "Yes" or "YES" or "y" or "Y" or "on" or "On" or "ON" => true,
                "false" or "False" or "FALSE" => false,
                "no" or "No" or "NO" or "n" or "N" or "off" or "Off" or "OFF" => false,
                _ => null,
            };
}
