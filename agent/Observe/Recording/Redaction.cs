using System.Text;
using PinAgent.Observe.Qemu;
using PinAgent.Observe.Qemu.CommandLine;
using PinAgent.Observe.Qemu.ConfigFile;

namespace PinAgent.Observe.Recording;

/// <summary>
/// What of a machine's files may leave it: what PinAgent's parsers need. A command line can hold passwords and names of
/// files, a mount table volumes and servers, a stat line addresses in memory. Pure.
/// </summary>
internal static class Redaction
{
    // state to starttime: proc_pid_stat(5), fields 3 to 22.
    private const int StatFields = 20;

    // The number, the descriptor, the request: proc_pid_syscall(5).
    private const int SyscallFields = 3;

    private static readonly string[] StatusLines = ["NSpid:", "Cpus_allowed_list:"];

    /// <summary>The part of a file that may be kept; null for none.</summary>
    public static byte[]? File(string path, byte[] content)
    {
        if (!path.StartsWith("/proc/", StringComparison.Ordinal))
        {
            return content;
        }

        // A file that QEMU's command line names, below its root: it may be called like any other.
        if (IsBelowRoot(path))
        {
            return QemuConfig.Parse(content)?.ToFile();
        }

        return path[(path.LastIndexOf('/') + 1)..] switch
        {
            "cmdline" => CommandLine(content),
            "stat" => Stat(content),
            "status" => Lines(
                content,
                line =>
                    Array.Exists(StatusLines, key => line.StartsWith(key, StringComparison.Ordinal))
            ),
            "mountinfo" => Lines(
                content,
                line =>
                    line.Contains(" - cgroup", StringComparison.Ordinal)
                    || line.Contains(" - proc ", StringComparison.Ordinal)
            ),
            "syscall" => Fields(Encoding.Latin1.GetString(content), SyscallFields),
            "cgroup" or "uptime" => content,
            _ => null,
        };
    }

    /// <summary>The part of a symbolic link's target that may be kept; null for none.</summary>
    public static string? Link(string path, string target) =>
        path.EndsWith("/exe", StringComparison.Ordinal) ? target[(target.LastIndexOf('/') + 1)..]
        : KvmVcpuFiles.TryParseTarget(Encoding.UTF8.GetBytes(target), out _) ? target
        : null;

    private static bool IsBelowRoot(string path) => path.Split('/') is ["", "proc", _, "root", ..];

    private static byte[] CommandLine(byte[] content)
    {
        var arguments = Encoding.UTF8.GetString(content).Split('\0');
        var kept = new List<string> { arguments[0][(arguments[0].LastIndexOf('/') + 1)..] };
        for (var i = 1; i + 1 < arguments.Length; i++)
        {
            var option = arguments[i].StartsWith("--", StringComparison.Ordinal)
                ? arguments[i][1..]
                : arguments[i];
            var value = option switch
            {
                "-name" => Name(arguments[i + 1]),
                "-machine" or "-M" => Machine(arguments[i + 1]),
                "-smp" or "-accel" or "-readconfig" => arguments[i + 1],
                "-numa" => Value(arguments[i + 1], "type"),
                _ => null,
            };
            if (value is not null)
            {
                kept.Add(option);
                kept.Add(value);
                i++;
            }
            else if (
                option is not ("-name" or "-machine" or "-readconfig")
                && QemuCommandLine.IsTelling(option)
            )
            {
                kept.Add(option);
            }
        }

        return Encoding.UTF8.GetBytes(string.Concat(kept.Select(argument => argument + '\0')));
    }

    // The guest's, and whether QEMU names its threads.
    private static string? Name(string text)
    {
        string?[] kept =
        [
            Value(text, "guest"),
            text.Contains("debug-threads=", StringComparison.Ordinal)
                ? Value($"guest=,{text}", "debug-threads")
                : null,
        ];
        var values = kept.OfType<string>().ToList();
        return values.Count == 0 ? null : string.Join(',', values);
    }

    // The type and the CPUs.
    private static string? Machine(string text)
    {
        var cpus = text.Split(',')
            .Where(part => part.StartsWith("smp.", StringComparison.Ordinal))
            .ToList();
        var type = Value(text, "type");
        return type is null && cpus.Count == 0
            ? null
            : string.Join(',', [.. type is null ? (string[])[] : [type], .. cpus]);
    }

    // key=value among others; the first may leave out its key, and a comma in a value is doubled.
    private static string? Value(string text, string key)
    {
        const char CommaInValue = '\u0001';
        var parts = text.Replace(",,", CommaInValue.ToString()).Split(',');
        var value = parts
            .Select((part, i) => i == 0 && !part.Contains('=') ? $"{key}={part}" : part)
            .FirstOrDefault(part => part.StartsWith($"{key}=", StringComparison.Ordinal));
        return value?.Replace(CommaInValue.ToString(), ",,");
    }

    private static byte[] Stat(byte[] content)
    {
        var line = Encoding.Latin1.GetString(content);
        var name = line.LastIndexOf(')') + 1;
        return
        [
            .. Encoding.Latin1.GetBytes(line[..name] + " "),
            .. Fields(line[name..], StatFields),
        ];
    }

    // The blank at the end: the parsers want to see that the last number isn't cut short.
    private static byte[] Fields(string line, int count) =>
        Encoding.Latin1.GetBytes(
            string.Join(
                ' ',
                line.Trim().Split(' ', StringSplitOptions.RemoveEmptyEntries).Take(count)
            ) + " \n"
        );

    private static byte[] Lines(byte[] content, Predicate<string> isKept) =>
        Encoding.Latin1.GetBytes(
            string.Concat(
                Encoding
                    .Latin1.GetString(content)
                    .Split('\n')
                    .Where(line => isKept(line))
                    .Select(line => line + '\n')
            )
        );
}
