using System.Reflection;
using Microsoft.Extensions.Logging;
using PinAgent.Loop;
using Xunit;

namespace PinAgent.Tests.Loop;

public sealed class LogTests
{
    [Fact]
    public void Every_line_of_the_log_has_an_event_id_of_its_own()
    {
        var ids = typeof(PinLoop)
            .Assembly.GetTypes()
            .SelectMany(type =>
                type.GetMethods(
                    BindingFlags.Static
                        | BindingFlags.Instance
                        | BindingFlags.Public
                        | BindingFlags.NonPublic
                        | BindingFlags.DeclaredOnly
                )
            )
            .Select(method => method.GetCustomAttribute<LoggerMessageAttribute>()?.EventId)
            .OfType<int>()
            .Order()
            .ToList();

        Assert.NotEmpty(ids);
        Assert.Equal(ids.Distinct(), ids);
    }
}
