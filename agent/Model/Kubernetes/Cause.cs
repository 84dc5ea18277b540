namespace PinAgent.Model.Kubernetes;

/// <summary>One thing that is wrong with an object, in the words of Kubernetes.</summary>
/// <param name="Field">The field's path from the object's root.</param>
/// <param name="Message">The sentence for people: what was expected and found, what to do.</param>
/// <remarks>Source: Kubernetes, <c>apimachinery/pkg/apis/meta/v1/types.go</c> (<c>StatusCause</c>).</remarks>
internal sealed record Cause(string Field, CauseReason Reason, string Message);

/// <summary>The kinds of mistakes, of Kubernetes' cause types those that are used here.</summary>
internal enum CauseReason
{
    /// <summary>The value can't be, by itself or beside another one.</summary>
    FieldValueInvalid,

    /// <summary>A value is needed, and there is none.</summary>
    FieldValueRequired,

    /// <summary>The value is of another type than the schema's.</summary>
    FieldValueTypeInvalid,
}
