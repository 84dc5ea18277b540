using System.Diagnostics;
using PinAgent.HostTests.Harness;

namespace PinAgent.Benchmarks.Harness;

/// <summary>A program that is run beside the benchmark, and ended with it.</summary>
internal sealed class Child : IDisposable
{
    private readonly Process _process;

    private Child(Process process) => _process = process;

    public int Pid => _process.Id;

    /// <summary>Starts a program; its standard input and output are ours.</summary>
    public static Child Start(string program, params string[] arguments) =>
        new(
            Process.Start(
                new ProcessStartInfo(program, arguments)
                {
                    UseShellExecute = false,
                    RedirectStandardInput = true,
                    RedirectStandardOutput = true,
                }
            )!
        );

    /// <summary>Starts a program within a cpuset.</summary>
    public static Child StartIn(Cpuset cpuset, string program, params string[] arguments) =>
        Start(
            "/bin/sh",
            [
                "-c",
                $"echo $$ > {cpuset.Folder}/cgroup.procs && exec \"$@\"",
                "sh",
                program,
                .. arguments,
            ]
        );

    /// <summary>Runs a program to its end.</summary>
    /// <returns>The lines of its standard output.</returns>
    /// <exception cref="InvalidOperationException">It failed.</exception>
    public static string[] Run(string program, params string[] arguments)
    {
        using var child = Start(program, arguments);
        child._process.StandardInput.Close();
        var output = child._process.StandardOutput.ReadToEnd();
        child._process.WaitForExit();
        return child._process.ExitCode == 0
            ? output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            : throw new InvalidOperationException(
                $"{program} {string.Join(' ', arguments)}: exit {child._process.ExitCode}, see above"
            );
    }

    /// <summary>Writes a line to the program.</summary>
    public void WriteLine(string line)
    {
        _process.StandardInput.WriteLine(line);
        _process.StandardInput.Flush();
    }

    /// <summary>Reads the program's next line.</summary>
    /// <exception cref="EndOfStreamException">It ended.</exception>
    public string ReadLine() =>
        _process.StandardOutput.ReadLine()
        ?? throw new EndOfStreamException($"{_process.StartInfo.FileName}: ended too soon");

    /// <summary>Reads the program's lines until one says this.</summary>
    public List<string> ReadUntil(string last)
    {
        var lines = new List<string>();
        for (var line = ReadLine(); line != last; line = ReadLine())
        {
            lines.Add(line);
        }

        return lines;
    }

    public void Dispose()
    {
        Processes.End(Pid);
        _process.Dispose();
    }
}
