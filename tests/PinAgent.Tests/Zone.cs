using System.Runtime.CompilerServices;

namespace PinAgent.Tests;

/// <summary>The terminal tells times by the machine's clock: here it's the same on every machine.</summary>
internal static class Zone
{
    [ModuleInitializer]
    internal static void BeInUtc()
    {
        Environment.SetEnvironmentVariable("TZ", "UTC");
        TimeZoneInfo.ClearCachedData();
    }
}
