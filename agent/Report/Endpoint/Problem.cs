namespace PinAgent.Report.Endpoint;

/// <summary>Why a request isn't answered: <c>application/problem+json</c>.</summary>
/// <param name="Title">What is wrong, the same for every request of the kind.</param>
/// <param name="Status">The HTTP status.</param>
/// <param name="Detail">The sentence: expected, found, what to do.</param>
/// <remarks>Source: RFC 9457.</remarks>
internal sealed record Problem(string Title, int Status, string Detail);
