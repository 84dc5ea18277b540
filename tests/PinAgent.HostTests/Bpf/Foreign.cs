using System.Diagnostics;
using System.Runtime.InteropServices;

namespace PinAgent.HostTests.Bpf;

/// <summary>What others do to threads, each in a process of its own unless said otherwise.</summary>
internal static unsafe partial class Foreign
{
    private const int SetName = 15;

    /// <summary>Runs a program to its end.</summary>
    /// <returns>Its process's number, and whether it succeeded.</returns>
    public static (int Pid, bool IsSuccess) Run(string program, params string[] arguments)
    {
        using var process = Process.Start(
            new ProcessStartInfo(program, arguments)
            {
                RedirectStandardOutput = true,
                UseShellExecute = false,
                RedirectStandardError = true,
            }
        )!;
        _ = process.StandardError.ReadToEndAsync();
        _ = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.Id, process.ExitCode == 0);
    }

    /// <summary>This very thread gives itself names.</summary>
    public static void NameYourself(string name, int times = 1)
    {
        var bytes = System.Text.Encoding.ASCII.GetBytes(name + '\0');
        fixed (byte* first = bytes)
        {
            for (var i = 0; i < times; i++)
            {
                _ = Control(SetName, (nint)first, 0, 0, 0);
            }
        }
    }

    /// <summary>
    /// A 32-bit call by a 64-bit program, of which it's all there is: <c>int $0x80</c>. Some virtual machines end whoever does it.
    /// </summary>
    /// <param name="bytes">What the third argument points to.</param>
    /// <returns>The process's number, and how it ended: with the error's number, or as the signal has it.</returns>
    public static (int Pid, int ExitCode) Call32(int number, int first, int second, uint bytes)
    {
        const uint Begin = 0x400000;
        const int CodeAt = 64 + 56;
        using var folder = new Harness.TemporaryFolder();
        var path = $"{folder.Path}/call32";
        byte[] code =
        [
            0xB8,
            .. BitConverter.GetBytes(number), // mov eax, number
            0xBB,
            .. BitConverter.GetBytes(first), // mov ebx, first
            0xB9,
            .. BitConverter.GetBytes(second), // mov ecx, second
            0xBA,
            .. BitConverter.GetBytes(Begin + CodeAt + 33), // mov edx, the bytes
            0xCD,
            0x80, // int 0x80
            0x89,
            0xC7,
            0xF7,
            0xDF, // mov edi, eax; neg edi
            0xB8,
            60,
            0,
            0,
            0, // mov eax, exit
            0x0F,
            0x05, // syscall
        ];
        byte[] header =
        [
            0x7F,
            .. "ELF"u8,
            2,
            1,
            1,
            0,
            .. new byte[8],
            2,
            0,
            62,
            0,
            1,
            0,
            0,
            0, // an executable for amd64
            .. BitConverter.GetBytes((ulong)(Begin + CodeAt)),
            .. BitConverter.GetBytes(64UL),
            .. new byte[8],
            0,
            0,
            0,
            0,
            64,
            0,
            56,
            0,
            1,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            1,
            0,
            0,
            0,
            5,
            0,
            0,
            0,
            .. new byte[8], // loaded, readable, executable
            .. BitConverter.GetBytes((ulong)Begin),
            .. BitConverter.GetBytes((ulong)Begin),
            .. BitConverter.GetBytes(CodeAt + 40UL),
            .. BitConverter.GetBytes(CodeAt + 40UL),
            .. BitConverter.GetBytes(4096UL),
        ];
        File.WriteAllBytes(path, [.. header, .. code, .. BitConverter.GetBytes(bytes), 0, 0, 0, 0]);
        File.SetUnixFileMode(path, (UnixFileMode)0b111_000_000);
        using var process = Process.Start(path);
        process.WaitForExit();
        return (process.Id, process.ExitCode);
    }

    [LibraryImport("libc", EntryPoint = "prctl")]
    private static partial int Control(int option, nint a, nint b, nint c, nint d);
}
