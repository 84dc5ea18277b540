using PinAgent.Cli;

return await CommandLine.RunAsync(CommandLine.Create(), args);
