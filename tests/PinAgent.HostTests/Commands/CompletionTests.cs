using CliWrap.Buffered;
using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Commands;

/// <summary>Tab in real shells, on a terminal that Python's <c>pty</c> makes.</summary>
public sealed class CompletionTests
{
    private const int Timeout = 120_000;

    // Types the keys when the prompt is there, and prints what the program was called with. The program on the path answers
    // the completion's question by the agent, and else only says what it was given.
    private const string Terminal = """
        import fcntl, os, pty, select, struct, sys, termios, time
        shell, agent, folder, socket, keys = sys.argv[1:]
        with open(folder + '/pinagent', 'w') as stub:
            stub.write('#!/bin/sh\n[ "$1" != complete -a "$1" != completion ] || exec "%s" "$@"\n' % agent)
            stub.write('printf "%%s|" "$@" >"%s/part"\nmv "%s/part" "%s/called"\n' % (folder, folder, folder))
        os.chmod(folder + '/pinagent', 0o755)
        start = {
            'bash': (['bash', '--norc', '--noprofile', '-i'], 'PS1=READY">"; source <(pinagent completion bash)'),
            'zsh': (['zsh', '-f', '-i'],
                    'PROMPT=READY">"; autoload -U compinit; compinit -u -D; source <(pinagent completion zsh)'),
            'fish': (['fish', '--no-config', '-i'],
                     'pinagent completion fish | source; function fish_prompt; echo -n READY">"; end'),
        }
        arguments, first = start[shell]
        pid, terminal = pty.fork()
        if pid == 0:
            os.environ.update(PATH=folder + ':' + os.environ['PATH'], TERM='dumb' if shell == 'bash' else 'xterm',
                              HOME=folder, PINAGENT_SOCKET=socket, LC_ALL='C.UTF-8')
            os.chdir(folder)
            os.execvp(arguments[0], arguments)
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack('HHHH', 24, 200, 0, 0))
        seen = b''
        sent = 0
        deadline = time.monotonic() + 100
        while not os.path.exists(folder + '/called') and time.monotonic() < deadline:
            if select.select([terminal], [], [], 0.2)[0]:
                seen += os.read(terminal, 65536)
            if sent == 0 and seen:
                os.write(terminal, first.encode() + b'\r')
                sent = 1
            elif sent == 1 and b'READY>' in seen:
                os.write(terminal, keys.replace('\\t', '\t').encode() + b'\r')
                sent = 2
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        print(open(folder + '/called').read() if os.path.exists(folder + '/called') else seen)
        """;

    [Theory(Timeout = Timeout)]
    [InlineData("bash")]
    [InlineData("zsh")]
    [InlineData("fish")]
    public async Task Tab_completes_commands_options_and_values(string shell)
    {
        Assert.Equal(
            "status|--state|Pinned|",
            await TypeAsync(shell, "pinagent stat\\t--sta\\tPinn\\t")
        );
        Assert.Equal("top|--sort=pain|", await TypeAsync(shell, "pinagent top --sort=pa\\t"));
    }

    [Theory(Timeout = Timeout)]
    [InlineData("bash")]
    [InlineData("zsh")]
    [InlineData("fish")]
    public async Task Tab_completes_files_where_nothing_else_can_stand(string shell)
    {
        Assert.Equal("validate|my-vmi.yaml|", await TypeAsync(shell, "pinagent validate my-\\t"));
    }

    [Theory(Timeout = Timeout)]
    [InlineData("bash")]
    [InlineData("zsh")]
    [InlineData("fish")]
    public async Task Tab_completes_the_name_of_a_VM_that_runs_and_none_that_a_shell_would_obey(
        string shell
    )
    {
        Requires.RealGuests(cpus: 2);
        using var cpuset = new Cpuset(Cpuset.PodPath(out _, out _), "0-1");
        await using var good = await DummyVm.StartAsync(
            cpuset,
            ["-name", "guest=fleet-db", "-smp", "1"],
            "CPU 0/KVM"
        );
        await using var evil = await DummyVm.StartAsync(
            cpuset,
            ["-name", "guest=fleet-$(touch obeyed)", "-smp", "1"],
            "CPU 0/KVM"
        );
        await using var agent = new AgentLoop("--mode", "audit");
        await agent.WaitForLogAsync("pinagent.sock");
        while (
            !(await agent.AskAsync("-o", "json")).StandardOutput.Contains(
                "fleet-$",
                StringComparison.Ordinal
            )
        ) { }

        Assert.Equal(
            "status|--vm|host/fleet-db|",
            await TypeAsync(shell, "pinagent status --vm host/fl\\t", agent.Socket)
        );
    }

    private static async Task<string> TypeAsync(string shell, string keys, string socket = "")
    {
        Requires.Program("python3");
        Requires.Program(shell);
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(
            $"{folder.Path}/my-vmi.yaml",
            "",
            TestContext.Current.CancellationToken
        );
        var told = await CliWrap
            .Cli.Wrap("python3")
            .WithArguments([
                "-c",
                Terminal,
                shell,
                Paths.Agent,
                folder.Path,
                socket.Length > 0 ? socket : $"{folder.Path}/nobody",
                keys,
            ])
            .ExecuteBufferedAsync(TestContext.Current.CancellationToken);
        Assert.False(File.Exists($"{folder.Path}/obeyed"));
        return told.StandardOutput.Trim();
    }
}
