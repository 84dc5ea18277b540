using System.Runtime.InteropServices;

namespace PinAgent.NativeInterop.Bpf;

/// <summary>The file with the running kernel's type information: some megabytes, read once and not into the heap.</summary>
internal static class KernelTypesFile
{
    /// <summary>Where it is.</summary>
    public const string Usual = "/sys/kernel/btf/vmlinux";

    private const long Longest = 64L << 20;

    /// <summary>Looks something up in type information.</summary>
    public delegate T Finder<T>(KernelTypes types);

    /// <summary>Looks something up; the default where there's no file, or no type information in it.</summary>
    public static unsafe T Find<T>(string path, Finder<T> find)
        where T : struct
    {
        try
        {
            using var file = File.OpenHandle(path);
            Span<byte> header = stackalloc byte[64];
            var begin = RandomAccess.Read(file, header, 0);
            var length = KernelTypes.LengthOf(header[..begin]);
            if (length is <= 0 or > Longest)
            {
                return default;
            }

            var memory = (byte*)NativeMemory.Alloc((nuint)length);
            try
            {
                var bytes = new Span<byte>(memory, (int)length);
                var read = 0;
                int more;
                while (read < length && (more = RandomAccess.Read(file, bytes[read..], read)) > 0)
                {
                    read += more;
                }

                return KernelTypes.TryRead(bytes[..read], out var types) ? find(types) : default;
            }
            finally
            {
                NativeMemory.Free(memory);
            }
        }
        catch (Exception cannot) when (cannot is IOException or UnauthorizedAccessException)
        {
            return default;
        }
    }
}
