using System.CommandLine;
using PinAgent.Cli;

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
    Options.HostRoot.Option,
    Options.KubeletRoot.Option,
};
Options.HostRoot.Option.Recursive = true;
Options.KubeletRoot.Option.Recursive = true;
DetailedCommand.ExtendHelp(root);

if (args.Length == 0)
{
    await root.Parse("--help").InvokeAsync();
    return ExitCode.Usage;
}

var parsed = root.Parse(args);
try
{
    // Of several complaints the last is the most to the point: a misspelt command is also a missing one.
    return parsed.Errors.Count > 0
        ? Failure.Usage(parsed.Errors[^1].Message)
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
