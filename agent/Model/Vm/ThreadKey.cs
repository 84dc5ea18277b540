namespace PinAgent.Model.Vm;

/// <summary>A thread, named for good by its id and the time it started.</summary>
internal readonly record struct ThreadKey(int Tid, ulong StartTime)
{
    /// <summary>The thread's key.</summary>
    public static ThreadKey Of(VmThread thread) => new(thread.Tid, thread.StartTime);
}
