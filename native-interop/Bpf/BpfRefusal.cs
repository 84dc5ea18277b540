namespace PinAgent.NativeInterop.Bpf;

/// <summary>Why the kernel refuses BPF, in words.</summary>
internal static class BpfRefusal
{
    private const int LongestLine = 160;

    /// <summary>Of a map, which is the first that's asked for.</summary>
    public static string OfMap(Errno errno) =>
        errno switch
        {
            Errno.EPERM or Errno.EACCES =>
                "BPF needs CAP_BPF, CAP_PERFMON, and in a container a seccomp profile that lets bpf(2) through",
            Errno.ENOSYS => "this kernel was built without BPF (CONFIG_BPF_SYSCALL)",
            Errno.EINVAL =>
                "this kernel is too old for BPF's ring buffers, which Linux has since 5.8",
            _ => $"the kernel makes no BPF map: {errno.Describe()}",
        };

    /// <summary>Of a program.</summary>
    /// <param name="log">What the verifier said.</param>
    /// <param name="lockdown">The kernel's lockdown, as it says it itself; null if it has none.</param>
    public static string OfProgram(string name, Errno errno, string log, string? lockdown)
    {
        // "none integrity [confidentiality]": then no program may read the kernel's memory.
        if (lockdown?.Contains("[confidentiality]", StringComparison.Ordinal) == true)
        {
            return "the kernel is locked down for confidentiality, and lets no program read its memory";
        }

        var reason = log.Split('\n', StringSplitOptions.TrimEntries)
            .LastOrDefault(line =>
                line != "" && !line.StartsWith("processed ", StringComparison.Ordinal)
            );
        return reason is not null
                ? $"the kernel's verifier refuses the program {name}: {Short(reason)}"
            : errno.MeansDenied() ? "BPF programs that see threads need CAP_BPF and CAP_PERFMON"
            : $"the kernel doesn't load the program {name}: {errno.Describe()}";
    }

    /// <summary>Of a tracepoint's own arguments.</summary>
    public static string OfTracepoint(string name, Errno errno) =>
        errno switch
        {
            Errno.ENOENT => $"this kernel has no tracepoint {name}",
            Errno.EINVAL => $"this kernel's tracepoint {name} tells less than Linux 5.18's",
            _ => $"no program can be attached to {name}: {errno.Describe()}",
        };

    /// <summary>What the kernel says of its lockdown; null if nothing.</summary>
    public static string? Lockdown()
    {
        try
        {
            return File.ReadAllText("/sys/kernel/security/lockdown");
        }
        catch (Exception none) when (none is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string Short(string line) =>
        line.Length <= LongestLine ? line : line[..LongestLine] + "…";
}
