using System.Text;
using static Tmds.Linux.LibC;

namespace PinAgent.NativeInterop.Bpf;

/// <summary>
/// Makes the object's maps, loads those of its programs that are attached, and attaches them. Owns all descriptors: with
/// them, however the process ends, everything is gone from the kernel.
/// </summary>
internal sealed class BpfLoader(BpfObject code) : IDisposable
{
    private const int LogLength = 64 * 1024;
    private readonly Dictionary<string, int> _maps = [];
    private readonly Dictionary<string, int> _programs = [];
    private readonly List<int> _descriptors = [];
    private readonly List<int> _attached = [];

    /// <summary>An object in this assembly.</summary>
    public static BpfObject ReadObject(string name = "watch.bpf.o")
    {
        using var stream =
            typeof(BpfLoader).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"{name} isn't in the assembly");
        var file = new byte[stream.Length];
        stream.ReadExactly(file);
        return BpfObject.TryRead(file, out var found) is { } wrong
            ? throw new InvalidOperationException($"{name}: {wrong}")
            : found!;
    }

    /// <summary>A map's descriptor.</summary>
    public int Map(string name) => _maps[name];

    /// <summary>Makes the maps.</summary>
    /// <returns>Null, or why not.</returns>
    public string? TryMakeMaps()
    {
        foreach (var (name, definition) in code.Maps)
        {
            var made = BpfCalls.CreateMap(name, definition, out var fd);
            if (!made.IsSuccess)
            {
                return BpfRefusal.OfMap(made.Errno);
            }

            _descriptors.Add(fd);
            _maps[name] = fd;
        }

        return null;
    }

    /// <summary>Attaches a program, loaded first if it isn't yet.</summary>
    /// <param name="folders">Where tracefs may be.</param>
    /// <returns>Null, or why not.</returns>
    public string? TryAttach(WatchHook hook, IEnumerable<string> folders)
    {
        var why = TryLoad(hook.Program, out var program);
        why ??= TraceFolder.TryOpen(hook, folders, out var opened) is { } refused
            ? refused
            : Attach(opened, program, hook.Target);
        return why;
    }

    /// <summary>Attaches a program to a tracepoint as such, which needs no tracefs.</summary>
    /// <returns>Null, or why not.</returns>
    public string? TryAttachRaw(string name, string tracepoint)
    {
        var why = TryLoad(name, out var program);
        if (why is not null)
        {
            return why;
        }

        var attached = BpfCalls.AttachRaw(tracepoint, program, out var fd);
        if (!attached.IsSuccess)
        {
            return BpfRefusal.OfTracepoint(tracepoint, attached.Errno);
        }

        _attached.Add(fd);
        return null;
    }

    /// <summary>Ends what was attached so; the maps stay as they are.</summary>
    public void Detach()
    {
        _attached.ForEach(fd => _ = close(fd));
        _attached.Clear();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Detach();
        // The last first: a program is gone from its place before its maps are.
        for (var i = _descriptors.Count - 1; i >= 0; i--)
        {
            _ = close(_descriptors[i]);
        }

        _descriptors.Clear();
    }

    private string? Attach(int opened, int program, string target)
    {
        _descriptors.Add(opened);
        var attached = BpfCalls.Attach(opened, program);
        return attached.IsSuccess
            ? null
            : $"no program can be attached to {target}: {attached.Errno.Describe()}";
    }

    private string? TryLoad(string name, out int fd)
    {
        if (_programs.TryGetValue(name, out fd))
        {
            return null;
        }

        var program = code.Programs[name];
        var linked = program.Link(Map);
        var loaded = BpfCalls.Load(name, program.Type, linked, [], out fd);
        if (!loaded.IsSuccess)
        {
            // Once more, for the verifier's reasons: it takes longer when it gives them.
            var log = new byte[LogLength];
            loaded = BpfCalls.Load(name, program.Type, linked, log, out fd);
            if (!loaded.IsSuccess)
            {
                var length = log.AsSpan().IndexOf((byte)0);
                var text = Encoding.ASCII.GetString(log, 0, length < 0 ? log.Length : length);
                return BpfRefusal.OfProgram(name, loaded.Errno, text, BpfRefusal.Lockdown());
            }
        }

        _descriptors.Add(fd);
        _programs[name] = fd;
        return null;
    }
}
