using System.CommandLine;
using PinAgent.Cli;
using PinAgent.Cli.Options;
using PinAgent.Cli.Settings;
using PinAgent.Cli.Terminal;

var root = new RootCommand(
    """
    PinAgent pins the vCPUs of dedicated virtual machines: each to its own CPU, QEMU's own threads apart from them.
    """
)
{
    RunCommand.Create(),
    StatusCommand.Create(),
    PlanCommand.Create(),
    TopologyCommand.Create(),
    DetectCommand.Create(),
    ValidateCommand.Create(),
    CapacityCommand.Create(),
    DoctorCommand.Create(),
    ReportCommand.Create(),
    ReleaseCommand.Create(),
    ExplainCommand.Create(),
    ProveCommand.Create(),
    CommonOptions.HostRoot.Option,
    CommonOptions.KubeletRoot.Option,
    CommonOptions.PodCgroup.Option,
    SettingsFile.Option,
};
DetailedCommand.ExtendHelp(root);

if (args.Length == 0)
{
    await root.Parse("--help").InvokeAsync();
    return ExitCode.Usage;
}

var parsed = root.Parse(args);
try
{
    // An option that prints and ends, like --help, has no mistakes of settings.
    var mistakes = parsed.Action is { ClearsParseErrors: true } ? [] : Mistakes.Find(parsed);
    return mistakes.Length > 0
        ? Failure.Usage(mistakes)
        : await parsed.InvokeAsync(
            new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,
                // Then a signal ends what hasn't ended by itself: on a busy node the usual 2 s may be too short, and a
                // kubelet waits for 30.
                ProcessTerminationTimeout = TimeSpan.FromSeconds(20),
            }
        );
}
catch (UsageException problem)
{
    return Failure.Usage(problem.Message);
}
catch (IOException problem)
{
    // Nobody reads the answer, or the disk is full.
    return Failure.Because($"writing the answer: {problem.Message}");
}
