using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace PinAgent.Kubernetes.Client;

/// <summary>Asks the API server one of its review questions: they are written, and the answer is in what comes back.</summary>
internal static class ApiReview
{
    private const int LargestAnswer = 64 * 1024;

    /// <summary>Asks.</summary>
    /// <param name="path">The kind of review: its path.</param>
    /// <returns>The question, answered.</returns>
    /// <exception cref="ApiException">The server refuses to tell.</exception>
    /// <exception cref="JsonException">The answer is no review.</exception>
    public static async Task<T> AskAsync<T>(
        ApiConnection connection,
        string path,
        T review,
        JsonTypeInfo<T> type,
        CancellationToken stop
    )
    {
        using var response = await connection.SendAsync(
            HttpMethod.Post,
            path,
            JsonSerializer.SerializeToUtf8Bytes(review, type),
            "application/json",
            stop
        );
        var answer = await connection.ReadAllAsync(response, LargestAnswer, stop);
        return JsonSerializer.Deserialize(answer.Span, type)
            ?? throw new JsonException("expected a review, found null");
    }
}
