using CliWrap;
using CliWrap.Buffered;
using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Commands;

/// <summary>The live pictures on a real terminal, which Python's <c>pty</c> makes: it is as before, however they end.</summary>
public sealed class TerminalTests
{
    private const int Timeout = Patience.Hang;

    // What the program writes until the footer is there; then the key or the signal; then its end. Printed: the exit status,
    // whether the terminal's modes are as before, and whether what was switched on was switched off last.
    private const string Terminal = """
        import fcntl, os, pty, signal, struct, sys, termios
        how, program = sys.argv[1], sys.argv[2:]
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack('HHHH', 24, 80, 0, 0))
        before = termios.tcgetattr(slave)
        pid = os.fork()
        if pid == 0:
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
            for fd in range(3):
                os.dup2(slave, fd)
            os.environ['TERM'] = 'xterm'
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            os.execv(program[0], program)
        seen = b''
        while b'q quit' not in seen:
            seen += os.read(master, 65536)
        if how.startswith('SIG'):
            os.kill(pid, getattr(signal, how))
        else:
            os.write(master, {'q': b'q', 'Ctrl-C': b'\x03'}[how])
        while not seen.endswith(b'\x1b[?1049l'):
            seen += os.read(master, 65536)
        status = os.waitpid(pid, 0)[1]
        same = termios.tcgetattr(slave) == before
        cursor = seen.rfind(b'\x1b[?25h') > seen.rfind(b'\x1b[?25l')
        print('signal' if os.WIFSIGNALED(status) else os.WEXITSTATUS(status), same, cursor)
        """;

    [Theory(Timeout = Timeout)]
    [InlineData("top", "q", "0 True True")]
    [InlineData("top", "Ctrl-C", "0 True True")]
    [InlineData("top", "SIGTERM", "0 True True")]
    [InlineData("top", "SIGHUP", "signal True True")]
    [InlineData("status --watch", "q", "0 True True")]
    [InlineData("status --watch", "SIGTERM", "0 True True")]
    public async Task A_terminal_is_as_before_however_the_picture_ends(
        string command,
        string how,
        string expected
    )
    {
        Requires.Program("python3");
        await using var agent = new AgentLoop("--mode", "audit");
        await agent.WaitForLogAsync("pinagent.sock");
        while ((await agent.AskAsync("--probe", "ready")).ExitCode != 0) { }

        var told = await Cli.Wrap("python3")
            .WithArguments([
                "-c",
                Terminal,
                how,
                Paths.Agent,
                .. command.Split(' '),
                "--socket",
                agent.Socket,
            ])
            .ExecuteBufferedAsync(TestContext.Current.CancellationToken);

        Assert.Equal(expected, told.StandardOutput.Trim());
    }
}
