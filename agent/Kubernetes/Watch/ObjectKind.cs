using System.Text.Json;
using PinAgent.Kubernetes.Client;

namespace PinAgent.Kubernetes.Watch;

/// <summary>Understands an object: from its bytes to facts.</summary>
/// <typeparam name="T">The facts.</typeparam>
/// <param name="metadata">Its metadata; uid and name are there.</param>
/// <exception cref="JsonException">A field isn't what its schema says.</exception>
internal delegate T ObjectParser<out T>(ApiMetadata metadata, ReadOnlySpan<byte> json);

/// <summary>A kind of objects: how they are understood, and what is known of one that can't be.</summary>
/// <typeparam name="T">The facts.</typeparam>
/// <param name="Broken">What to keep of one that can't be understood, and why it can't.</param>
internal sealed record ObjectKind<T>(ObjectParser<T> Parse, Func<ApiMetadata, string, T> Broken)
{
    /// <summary>The largest object that is looked into, in bytes; etcd takes 1.5 MiB where nobody has changed that.</summary>
    public const int Largest = 4 * 1024 * 1024;

    /// <summary>The facts, or that there are none.</summary>
    public T Understand(ApiMetadata metadata, ReadOnlySpan<byte> json)
    {
        if (json.Length > Largest)
        {
            return Broken(
                metadata,
                $"the object has {json.Length / 1024} KiB: expected at most {Largest / 1024} KiB"
            );
        }

        try
        {
            return Parse(metadata, json);
        }
        catch (JsonException problem)
        {
            return Broken(
                metadata,
                problem.Path is { } path ? $"{path}: {problem.Message}" : problem.Message
            );
        }
    }
}
