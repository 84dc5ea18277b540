namespace PinAgent.Model.Vm;

/// <summary>A thread, named for good by its id and the time it started.</summary>
/// <param name="Tid">The thread's id.</param>
/// <param name="StartTime">Clock ticks since boot.</param>
internal readonly record struct ThreadKey(int Tid, ulong StartTime)
{
    /// <summary>The thread's key.</summary>
    public static ThreadKey Of(VmThread thread) => new(thread.Tid, thread.StartTime);
}
