using System.Diagnostics.CodeAnalysis;

namespace PinAgent.Report.Endpoint.Scrape;

/// <summary>Remembers so many things for so long; of more than that, it forgets the oldest.</summary>
/// <typeparam name="T">What is remembered.</typeparam>
/// <param name="lifetime">How long.</param>
internal sealed class ShortMemory<T>(int largest, TimeSpan lifetime, TimeProvider time)
{
    private readonly OrderedDictionary<string, (T Value, long Since)> _known = [];
    private readonly Lock _lock = new();

    /// <summary>What is known now.</summary>
    public bool TryGet(string key, [MaybeNullWhen(false)] out T value)
    {
        lock (_lock)
        {
            var isFresh =
                _known.TryGetValue(key, out var known)
                && time.GetElapsedTime(known.Since) < lifetime;
            value = known.Value;
            return isFresh;
        }
    }

    /// <summary>Whether it was known once, and not so much has come since that it's forgotten.</summary>
    public bool WasKnown(string key)
    {
        lock (_lock)
        {
            return _known.ContainsKey(key);
        }
    }

    /// <summary>Remembers.</summary>
    public void Put(string key, T value)
    {
        lock (_lock)
        {
            _known.Remove(key);
            _known.Add(key, (value, time.GetTimestamp()));
            if (_known.Count > largest)
            {
                _known.RemoveAt(0);
            }
        }
    }

    /// <summary>Forgets.</summary>
    public void Remove(string key)
    {
        lock (_lock)
        {
            _known.Remove(key);
        }
    }
}
