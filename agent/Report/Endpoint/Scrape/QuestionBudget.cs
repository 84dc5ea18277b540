using System.Net;
using System.Net.Sockets;

namespace PinAgent.Report.Endpoint.Scrape;

/// <summary>
/// How often the API server is asked about tokens, whoever sends how many. Those who were let in before have their own
/// share, so have those at an address from which somebody was, and of the others none has all of what is left.
/// </summary>
internal sealed class QuestionBudget(TimeProvider time)
{
    private const int MostAddresses = 1024;
    private static readonly TimeSpan Remembered = TimeSpan.FromHours(1);

    private readonly Lock _lock = new();
    private readonly Bucket _ofTheAllowed = new(2, 16, time);
    private readonly Bucket _ofKnownAddresses = new(1, 8, time);
    private readonly Bucket _ofStrangers = new(1, 8, time);
    private readonly ShortMemory<Bucket> _addresses = new(MostAddresses, Remembered, time);
    private readonly ShortMemory<bool> _known = new(MostAddresses, Remembered, time);

    /// <summary>Takes one question; false if there's none left now.</summary>
    /// <param name="wasAllowed">Whether the token was good before.</param>
    public bool TryTake(IPAddress? from, bool wasAllowed)
    {
        lock (_lock)
        {
            if (wasAllowed)
            {
                return _ofTheAllowed.TryTake();
            }

            var address = NameOf(from);
            if (!_addresses.TryGet(address, out var own))
            {
                own = new Bucket(0.1, 4, time);
                _addresses.Put(address, own);
            }

            return own.TryTake()
                && (_known.TryGet(address, out _) ? _ofKnownAddresses : _ofStrangers).TryTake();
        }
    }

    /// <summary>Somebody from there was let in.</summary>
    public void NoteAllowed(IPAddress? from) => _known.Put(NameOf(from), true);

    // Who has one address of IPv6 has 2^64.
    private static string NameOf(IPAddress? address)
    {
        if (address is { IsIPv4MappedToIPv6: true })
        {
            return address.MapToIPv4().ToString();
        }

        return address is { AddressFamily: AddressFamily.InterNetworkV6 }
            ? Convert.ToHexString(address.GetAddressBytes().AsSpan(0, 8))
            : $"{address}";
    }

    /// <summary>So many at once, and so many a second after that.</summary>
    private sealed class Bucket(double perSecond, int burst, TimeProvider time)
    {
        private double _left = burst;
        private long _since = time.GetTimestamp();

        public bool TryTake()
        {
            var now = time.GetTimestamp();
            _left = Math.Min(
                burst,
                _left + (time.GetElapsedTime(_since, now).TotalSeconds * perSecond)
            );
            _since = now;
            if (_left < 1)
            {
                return false;
            }

            _left--;
            return true;
        }
    }
}
