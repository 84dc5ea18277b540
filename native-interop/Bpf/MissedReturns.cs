namespace PinAgent.NativeInterop.Bpf;

/// <summary>
/// How many calls were seen to begin but not to return. A call that has begun may still be on its way; by the next look it
/// has come back, or is counted as missed until it does. Pure.
/// </summary>
internal sealed class MissedReturns
{
    private ulong _begunBefore;
    private ulong _missed;

    /// <summary>Takes the counts as they are now.</summary>
    /// <returns>How many were missed in all; it never goes back.</returns>
    public ulong Update(ulong begun, ulong ended)
    {
        // Those that had begun at the last look.
        if (_begunBefore > ended + _missed)
        {
            _missed = _begunBefore - ended;
        }

        _begunBefore = begun;
        return _missed;
    }
}
