using System.Globalization;
using System.Text;

namespace PinAgent.Tests;

/// <summary>A process among a <see cref="FakeHost"/>'s files, as <c>/proc</c> shows it.</summary>
internal sealed class FakeProcess
{
    private readonly FakeHost _host;
    private readonly int _pid;
    private string _cgroup = "0::/\n";

    /// <summary>A process with its first thread.</summary>
    public FakeProcess(
        FakeHost host,
        int pid,
        string name = "qemu-system-x86",
        ulong startTime = 1000
    )
    {
        (_host, _pid) = (host, pid);
        StartTime = startTime;
        host.Write($"/proc/{pid}/stat", Stat(pid, name, startTime))
            .Write($"/proc/{pid}/cmdline", "");
        Thread(pid, name);
    }

    public ulong StartTime { get; }

    /// <summary>A QEMU with two vCPUs whose threads are named, in a cgroup.</summary>
    public static FakeProcess Qemu(FakeHost host, int pid, string cgroup = "/vm1.scope") =>
        new FakeProcess(host, pid)
            .Cgroup($"0::{cgroup}\n")
            .Arguments("/usr/bin/qemu-system-x86_64", "-name", "guest=vm1", "-smp", "2")
            .Thread(pid + 1, "CPU 0/KVM")
            .Thread(pid + 2, "CPU 1/KVM");

    /// <summary>The kernel's own thread, which is a process without a command line.</summary>
    public static void Kernel(FakeHost host, int pid, string name, ulong startTime) =>
        host.Write($"/proc/{pid}/stat", Stat(pid, name, startTime, flags: 0x0020_8040))
            .Write($"/proc/{pid}/cmdline", "")
            .Write($"/proc/{pid}/task/{pid}/status", "Cpus_allowed_list:\t0-15\n");

    /// <summary>A line of <c>/proc/&lt;pid&gt;/stat</c>. The name's characters are bytes.</summary>
    public static byte[] Stat(int id, string name, ulong startTime, int flags = 0x0040_0100) =>
        Encoding.Latin1.GetBytes(
            $"{id} ({name}) S 1 {id} {id} 0 -1 {flags} 0 0 0 0 51 7 0 0 20 0 9 0 {startTime} 1200345088 28000 0\n"
        );

    /// <summary>Arguments as <c>/proc/&lt;pid&gt;/cmdline</c> has them.</summary>
    public static byte[] Join(params IEnumerable<string> arguments) =>
        Encoding.UTF8.GetBytes(string.Concat(arguments.Select(argument => argument + "\0")));

    public FakeProcess Arguments(params string[] arguments)
    {
        _host.Write($"/proc/{_pid}/cmdline", Join(arguments));
        return this;
    }

    public FakeProcess Executable(string path)
    {
        _host.Link($"/proc/{_pid}/exe", path);
        return this;
    }

    /// <summary>The content of the cgroup file of the threads there are, and of those added later.</summary>
    public FakeProcess Cgroup(string content)
    {
        _cgroup = content;
        foreach (var task in Directory.EnumerateDirectories(_host.PathOf($"/proc/{_pid}/task")))
        {
            ThreadCgroup(int.Parse(Path.GetFileName(task), CultureInfo.InvariantCulture), content);
        }

        return this;
    }

    public FakeProcess ThreadCgroup(int tid, string content)
    {
        _host.Write($"/proc/{_pid}/task/{tid}/cgroup", content);
        return this;
    }

    /// <summary>A thread; started when its process was unless said otherwise.</summary>
    public FakeProcess Thread(int tid, string name, string cpus = "0-15", ulong? startTime = null)
    {
        var folder = $"/proc/{_pid}/task/{tid}";
        _host
            .Write($"{folder}/stat", Stat(tid, name, startTime ?? StartTime))
            .Write($"{folder}/status", $"Name:\tx\nCpus_allowed_list:\t{cpus}\n")
            .Write($"{folder}/cgroup", _cgroup);
        return this;
    }

    /// <summary>The process's ids in PID namespaces, from the host's inwards.</summary>
    public FakeProcess NamespacePids(params int[] pids)
    {
        _host.Write($"/proc/{_pid}/status", $"NSpid:\t{string.Join('\t', pids)}\n");
        return this;
    }

    /// <summary>An open KVM vCPU, or any other file.</summary>
    public FakeProcess Descriptor(int descriptor, string target)
    {
        _host.Link($"/proc/{_pid}/fd/{descriptor}", target);
        return this;
    }

    /// <summary>What a thread is doing: <c>running</c>, or a system call and its arguments.</summary>
    public FakeProcess Syscall(int tid, string line)
    {
        _host.Write($"/proc/{_pid}/task/{tid}/syscall", line + "\n");
        return this;
    }

    /// <summary>A thread inside <c>ioctl(fd, KVM_RUN)</c> on x86-64.</summary>
    public FakeProcess RunsVcpu(int tid, int descriptor) =>
        Syscall(tid, $"16 0x{descriptor:x} 0xae80 0x0 0x0 0x0 0x0 0x7f5c8e7fb4f8 0x7f5c9a51a9bf");
}
