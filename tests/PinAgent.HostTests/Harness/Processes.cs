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

    /// <summary>A process and all that descend from it, the youngest last.</summary>
    public static IReadOnlyList<int> TreeOf(int pid)
    {
        var parents = Directory
            .EnumerateDirectories("/proc")
            .Select(folder => int.TryParse(Path.GetFileName(folder), out var id) ? id : 0)
            .Where(id => id > 0)
            .Select(id =>
                (Id: id, Parent: StatOf(id) is [_, var parent, ..] ? int.Parse(parent) : 0)
            )
            .ToLookup(process => process.Parent, process => process.Id);
        var tree = new List<int> { pid };
        for (var next = 0; next < tree.Count; next++)
        {
            tree.AddRange(parents[tree[next]]);
        }

        return tree;
    }

    /// <summary>Waits until a process has no file open any more: its locks are gone, too.</summary>
    public static async Task WaitUntilEndedAsync(int pid)
    {
        using var hung = new CancellationTokenSource(Patience.HungWait);
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        while (!HasEnded(pid))
        {
            await tick.WaitForNextTickAsync(hung.Token);
        }
    }

    // The first thread may be a zombie while others still close what they share.
    private static bool HasEnded(int pid)
    {
        try
        {
            return StatOf(pid) is [] or ["Z" or "X", ..]
                && Directory.GetDirectories($"/proc/{pid}/task").Length <= 1;
        }
        catch (IOException)
        {
            return true;
        }
    }

    // proc_pid_stat(5): after the name in parentheses, which may hold anything, state and parent.
    private static string[] StatOf(int pid)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            return stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (IOException)
        {
            return [];
        }
    }
}
