using System.ComponentModel;
using System.Diagnostics;

namespace PinAgent.HostTests.Harness;

/// <summary>Ends processes that a test has started, by their ids.</summary>
internal static class Processes
{
    /// <summary>Kills a process and waits until it's gone.</summary>
    public static void End(int pid)
    {
        try
        {
            using var process = Process.GetProcessById(pid);
            process.Kill();
            process.WaitForExit();
        }
        catch (Exception gone)
            when (gone is ArgumentException or InvalidOperationException or Win32Exception)
        {
            // It ended by itself.
        }
    }
}
