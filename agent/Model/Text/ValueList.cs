using System.Collections;
using System.Collections.Immutable;

namespace PinAgent.Model.Text;

/// <summary>An immutable list that equals another with equal items, so that records that hold one are values too.</summary>
/// <typeparam name="T">A value.</typeparam>
internal readonly struct ValueList<T> : IEquatable<ValueList<T>>, IReadOnlyList<T>
    where T : IEquatable<T>
{
    private readonly ImmutableArray<T> _items;

    /// <summary>A list of these items.</summary>
    public ValueList(IEnumerable<T> items) => _items = [.. items];

    /// <inheritdoc/>
    public int Count => _items.IsDefault ? 0 : _items.Length;

    /// <inheritdoc/>
    public T this[int index] => _items[index];

    /// <summary>Whether the items are equal, in their order.</summary>
    public static bool operator ==(ValueList<T> left, ValueList<T> right) => left.Equals(right);

    /// <summary>Whether they aren't.</summary>
    public static bool operator !=(ValueList<T> left, ValueList<T> right) => !left.Equals(right);

    /// <inheritdoc/>
    public bool Equals(ValueList<T> other) => this.SequenceEqual(other);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is ValueList<T> other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() =>
        this.Aggregate(0, (hash, item) => HashCode.Combine(hash, item));

    /// <inheritdoc/>
    public IEnumerator<T> GetEnumerator() =>
        (_items.IsDefault ? [] : _items).AsEnumerable().GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
