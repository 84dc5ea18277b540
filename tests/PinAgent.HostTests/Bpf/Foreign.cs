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

    /// <summary>A 32-bit call by this 64-bit process: what <c>int $0x80</c> does.</summary>
    /// <param name="bytes">What the third argument points to.</param>
    public static int Call32(int number, int first, int second, ReadOnlySpan<byte> bytes)
    {
        // push rbx; mov eax, edi; mov ebx, esi; xchg ecx, edx; int 0x80; pop rbx; ret
        ReadOnlySpan<byte> code = [0x53, 0x89, 0xF8, 0x89, 0xF3, 0x87, 0xCA, 0xCD, 0x80, 0x5B, 0xC3];
        const int All = 7; // PROT_READ | PROT_WRITE | PROT_EXEC
        const int Low = 0x62; // MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT
        const int Length = 4096;
        const int Data = 2048;
        var memory = Map(null, Length, All, Low, -1, 0);
        code.CopyTo(new Span<byte>(memory, Data));
        bytes.CopyTo(new Span<byte>(memory + Data, Length - Data));
        var call = (delegate* unmanaged[Cdecl]<int, int, int, int, int>)memory;
        var result = call(number, first, second, (int)(nint)(memory + Data));
        _ = Unmap(memory, Length);
        return result;
    }

    [LibraryImport("libc", EntryPoint = "prctl")]
    private static partial int Control(int option, nint a, nint b, nint c, nint d);

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial byte* Map(void* address, nuint length, int protection, int flags, int fd, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(void* address, nuint length);
}
