using PinAgent.NativeInterop;

namespace PinAgent.Benchmarks.Harness;

/// <summary>The CPUs that a thread may run on, of the first 64, as bits.</summary>
internal static class Mask
{
    private static ulong[] _buffer = [];

    /// <summary>The mask of a thread; 0 if it's gone.</summary>
    public static ulong Of(int tid) =>
        SchedAffinity.Get(tid, ref _buffer).IsSuccess ? _buffer[0] : 0;

    /// <summary>Sets it, as <c>taskset</c> does.</summary>
    /// <exception cref="IOException">It can't be set.</exception>
    public static void Set(int tid, ulong cpus)
    {
        var result = SchedAffinity.Set(tid, [cpus]);
        if (!result.IsSuccess)
        {
            throw result.ToException($"mask of thread {tid}");
        }
    }
}
