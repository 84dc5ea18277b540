using System.Collections.Immutable;
using PinAgent.Kubernetes.Client;

namespace PinAgent.Kubernetes.Watch;

/// <summary>
/// The objects of one watch as far as they are known, and how well. Written by that watch alone, read by anybody.
/// </summary>
/// <typeparam name="T">The facts.</typeparam>
/// <param name="what">What is watched, in words.</param>
/// <param name="changed">Called after something is other than before.</param>
internal sealed class ObjectStore<T>(string what, Action changed)
    where T : IEquatable<T>
{
    /// <summary>The objects by uid.</summary>
    public ImmutableDictionary<string, T> Items { get; private set; } =
        ImmutableDictionary<string, T>.Empty;

    /// <summary>How well they are known.</summary>
    public WatchHealth Health { get; private set; } = new(what);

    /// <summary>All that there are, from a list.</summary>
    public void Replace(IEnumerable<KeyValuePair<string, T>> items, string? passedOver)
    {
        var before = Items;
        var after = ImmutableDictionary.CreateRange(items);
        var isSame =
            after.Count == before.Count
            && after.All(item =>
                before.TryGetValue(item.Key, out var old) && old.Equals(item.Value)
            );
        Items = isSame ? before : after;
        Report(
            Health with
            {
                HasAnswered = true,
                HasSynced = true,
                IsUnavailable = false,
                IsMissing = false,
                PassedOver = passedOver,
            },
            force: !isSame
        );
    }

    /// <summary>One that is new or has changed.</summary>
    public void Put(string uid, T item)
    {
        if (!Items.TryGetValue(uid, out var old) || !old.Equals(item))
        {
            Items = Items.SetItem(uid, item);
            changed();
        }
    }

    /// <summary>One that is gone, or no longer this node's.</summary>
    public void Remove(string uid)
    {
        if (Items.ContainsKey(uid))
        {
            Items = Items.Remove(uid);
            changed();
        }
    }

    /// <summary>The kind is gone, and all its objects with it.</summary>
    public void Clear()
    {
        if (!Items.IsEmpty)
        {
            Items = Items.Clear();
            changed();
        }
    }

    /// <summary>The watch is open.</summary>
    public void Opened() => Report(Health with { Since = null, Problem = null });

    /// <summary>Something couldn't be taken in.</summary>
    public void PassedOver(string message) => Report(Health with { PassedOver = message });

    /// <summary>Nobody asks for these: the settings say that the right is absent.</summary>
    public void Renounce(string because) =>
        Report(
            Health with
            {
                HasAnswered = true,
                IsUnavailable = true,
                IsRenounced = true,
                Problem = because,
            }
        );

    /// <summary>Nothing is being watched for now.</summary>
    /// <param name="problem">Why.</param>
    /// <param name="isDoubted">Whether a refusal isn't believed yet: what is known is then only old.</param>
    public void Failed(ApiProblem problem, DateTimeOffset now, bool isDoubted = false) =>
        Report(
            Health with
            {
                HasAnswered = true,
                IsUnavailable = problem.IsRefusal && !isDoubted,
                IsMissing = problem.Kind == ApiProblemKind.NotFound && !isDoubted,
                Since = Health.Since ?? now,
                Problem = problem.Message,
            }
        );

    private void Report(WatchHealth health, bool force = false)
    {
        var isSame = health == Health;
        Health = health;
        if (!isSame || force)
        {
            changed();
        }
    }
}

/// <summary>How well a watch's objects are known.</summary>
/// <param name="What">What is watched, in words.</param>
internal sealed record WatchHealth(string What)
{
    /// <summary>Whether there was any answer, or a failure.</summary>
    public bool HasAnswered { get; init; }

    /// <summary>Whether all were listed once.</summary>
    public bool HasSynced { get; init; }

    /// <summary>Whether the server doesn't have the kind, or doesn't let us see it.</summary>
    public bool IsUnavailable { get; init; }

    /// <summary>Whether the server doesn't have the kind.</summary>
    public bool IsMissing { get; init; }

    /// <summary>Whether they aren't asked for at all.</summary>
    public bool IsRenounced { get; init; }

    /// <summary>Since when they aren't being watched; null if they are.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Why they aren't; null if they are.</summary>
    public string? Problem { get; init; }

    /// <summary>What was last passed over; null if nothing was.</summary>
    public string? PassedOver { get; init; }
}
