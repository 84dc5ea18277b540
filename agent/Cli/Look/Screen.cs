using System.Runtime.InteropServices;
using System.Text;
using System.Threading.Channels;
using PinAgent.Cli.Terminal;
using Spectre.Console.Rendering;

namespace PinAgent.Cli.Look;

/// <summary>
/// A terminal that is drawn on as a whole: all its input and output, and nothing else knows of it. Whatever ends the program,
/// the terminal is as it was before.
/// </summary>
internal sealed class Screen : IDisposable
{
    // Another screen, which keeps what was on this one; no cursor; lines that are cut off and not broken.
    private const string Enter = "\e[?1049h\e[?25l\e[?7l\e[H\e[2J";

    // The first two end what .NET asks of the keys.
    private const string Leave = "\e[?1l\e>\e[?7h\e[?25h\e[?1049l";

    private readonly Lock _lock = new();
    private readonly Stream _output = Console.OpenStandardOutput();
    private readonly Channel<ConsoleKeyInfo?> _keys = Channel.CreateBounded<ConsoleKeyInfo?>(
        new BoundedChannelOptions(16) { FullMode = BoundedChannelFullMode.DropOldest }
    );
    private readonly List<PosixSignalRegistration> _signals = [];
    private bool _isDrawn;

    private Screen()
    {
        // Ctrl-C and SIGTERM cancel the command, which then leaves. These end or stop the program with no such chance.
        On(PosixSignal.SIGHUP, Restore);
        On(PosixSignal.SIGQUIT, Restore);
        On(PosixSignal.SIGTSTP, Restore);
        On(PosixSignal.SIGCONT, Wake);
        On(PosixSignal.SIGWINCH, Wake);
        AppDomain.CurrentDomain.ProcessExit += OnExit;
        if (!Console.IsInputRedirected)
        {
            // It waits in a read for which the terminal shows nothing that is typed; at the program's end .NET puts that back.
            new Thread(ReadKeys) { IsBackground = true, Name = "keys" }.Start();
        }
    }

    /// <summary>How many columns there are.</summary>
    public static int Width => Math.Max(1, Console.WindowWidth);

    /// <summary>How many lines there are.</summary>
    public static int Height => Math.Max(2, Console.WindowHeight);

    /// <summary>Takes the terminal; null where the output goes elsewhere.</summary>
    public static Screen? Open() =>
        Console.IsOutputRedirected || Environment.GetEnvironmentVariable("TERM") is "dumb"
            ? null
            : new Screen();

    /// <summary>Draws: a picture of at most as many lines as there are, and the last line.</summary>
    public void Draw(IRenderable content, string footer)
    {
        var (width, height) = (Width, Height);
        var lines = Output.Ansi(content, width).TrimEnd('\n').Split('\n');
        var text = new StringBuilder();
        text.Append("\e[H");
        foreach (var line in lines.Take(height - 1))
        {
            text.Append(line).Append("\e[0m\e[K\r\n");
        }

        text.Append("\e[J\e[").Append(height).Append(";1H\e[7m");
        text.Append(Cut.End(footer, width)).Append("\e[0m\e[K");
        lock (_lock)
        {
            Write((_isDrawn ? "" : Enter) + text);
            _isDrawn = true;
        }
    }

    /// <summary>Waits for a key, at most so long; null where there was none, or the terminal has changed.</summary>
    public async Task<ConsoleKeyInfo?> KeyAsync(TimeSpan most, CancellationToken stop)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        patience.CancelAfter(most);
        try
        {
            return await _keys.Reader.ReadAsync(patience.Token);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        AppDomain.CurrentDomain.ProcessExit -= OnExit;
        _signals.ForEach(signal => signal.Dispose());
        Restore();
    }

    private void On(PosixSignal signal, Action action) =>
        _signals.Add(PosixSignalRegistration.Create(signal, _ => action()));

    private void OnExit(object? sender, EventArgs e) => Restore();

    private void Wake() => _keys.Writer.TryWrite(null);

    private void ReadKeys()
    {
        try
        {
            while (true)
            {
                _keys.Writer.TryWrite(Console.ReadKey(intercept: true));
            }
        }
        catch (Exception problem) when (problem is InvalidOperationException or IOException)
        {
            // The terminal is gone, or nobody can type there: it goes on without keys.
        }
    }

    private void Restore()
    {
        lock (_lock)
        {
            if (_isDrawn)
            {
                _isDrawn = false;
                Write(Leave);
            }
        }
    }

    private void Write(string text)
    {
        try
        {
            _output.Write(Encoding.UTF8.GetBytes(text));
            _output.Flush();
        }
        catch (IOException)
        {
            // A terminal that is gone needs no picture, and nothing put back.
        }
    }
}
