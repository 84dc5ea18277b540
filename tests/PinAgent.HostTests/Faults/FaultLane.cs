using System.Globalization;
using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Faults;

/// <summary>What all faults have in common: the seed they come from, how many there are to be, and the table of those there were.</summary>
public sealed class FaultLane : IDisposable
{
    private readonly List<string> _rows = [];
    private int _faults;

    /// <summary>What the first and the following calls to fail are drawn from: <c>PINAGENT_FAULTS_SEED</c>, or another each time.</summary>
    public int Seed { get; } = Number("SEED") ?? Environment.TickCount;

    /// <summary>How often each test goes through what it does: <c>PINAGENT_FAULTS_ROUNDS</c>.</summary>
    public int Rounds { get; } = Number("ROUNDS") ?? 3;

    /// <summary>Skips the test where the machine lacks something.</summary>
    public static void Require()
    {
        Requires.Events(cpus: 2);
        Requires.Program("strace");
        Requires.Program("taskset");
        Assert.SkipUnless(
            Environment.GetEnvironmentVariable("PINAGENT_BIN") is not null,
            "needs the native program, which is what ships: tests/lanes/faults.sh builds it"
        );
    }

    /// <summary>Counts faults.</summary>
    public void Count(string what, int faults)
    {
        _faults += faults;
        _rows.Add($"{faults, 8}  {what}");
    }

    public void Dispose()
    {
        if (_rows.Count > 0)
        {
            Console.WriteLine($"faults, seed {Seed}, {Rounds} rounds:");
            _rows.ForEach(Console.WriteLine);
            Console.WriteLine($"{_faults, 8}  altogether");
        }
    }

    private static int? Number(string name) =>
        int.TryParse(
            Environment.GetEnvironmentVariable($"PINAGENT_FAULTS_{name}"),
            CultureInfo.InvariantCulture,
            out var number
        )
            ? number
            : null;
}
