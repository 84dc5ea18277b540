using Xunit;

namespace PinAgent.Tests.Cli;

/// <summary>Tests that listen to the process's own standard error, one after the other: there's only one.</summary>
[CollectionDefinition(Name)]
public sealed class ConsoleTests
{
    public const string Name = "console";
}
