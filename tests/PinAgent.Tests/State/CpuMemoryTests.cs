using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;
using PinAgent.Plan.Ownership;
using PinAgent.State;
using Xunit;

namespace PinAgent.Tests.State;

/// <summary>Which CPUs VMs were given, over the agent's restart.</summary>
public sealed class CpuMemoryTests : IDisposable
{
    private static readonly VmKey One = new(1000, 5);
    private static readonly VmKey Two = new(2000, 7);
    private readonly string _folder = Directory.CreateTempSubdirectory("pinagent-").FullName;

    private string Path => $"{_folder}/cpus.json";

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void What_is_kept_is_known_again()
    {
        var claims = Claims(
            (
                One,
                new CpuClaim
                {
                    InitialMask = CpuSet.Parse("4-7"),
                    IsPlacedElsewhere = true,
                    WasPlaced = true,
                    IsEverybodys = true,
                }
            ),
            (
                Two,
                new CpuClaim
                {
                    InitialMask = CpuSet.Parse("0-15"),
                    Chosen = new(CpuSet.Parse("1,9"), CpuSet.Parse("2"), EmulatorIsOwn: true),
                }
            )
        );
        new CpuMemory(Path).Keep(claims, [One, Two]);

        var loaded = new CpuMemory(Path).Load();

        Assert.Equal(claims.Find(One), loaded.Find(One));
        Assert.Equal(claims.Find(Two), loaded.Find(Two));
    }

    [Fact]
    public void Of_VMs_that_are_not_pinned_nothing_is_written()
    {
        new CpuMemory(Path).Keep(
            Claims((One, new CpuClaim { InitialMask = CpuSet.Parse("4-7") })),
            []
        );

        Assert.False(File.Exists(Path));
    }

    [Fact]
    public void It_is_written_only_when_something_is_new()
    {
        var claims = Claims((One, new CpuClaim { InitialMask = CpuSet.Parse("4-7") }));
        var memory = new CpuMemory(Path);
        memory.Keep(claims, [One]);
        File.Delete(Path);

        memory.Keep(claims, [One]);
        Assert.False(File.Exists(Path));

        memory.Keep(claims, []);
        Assert.True(File.Exists(Path));
    }

    [Fact]
    public void An_agent_that_pins_others_forgets_nothing_of_those_that_still_run()
    {
        var running = new CpuClaim
        {
            InitialMask = CpuSet.Parse("0-15"),
            Chosen = new(CpuSet.Parse("1,9"), CpuSet.Parse("2"), EmulatorIsOwn: true),
        };
        new CpuMemory(Path).Keep(Claims((One, running)), [One]);

        var once = new CpuMemory(Path);
        _ = once.Load();
        once.Keep(Claims((One, running with { Chosen = null }), (Two, running)), [Two]);

        Assert.Equal(running, new CpuMemory(Path).Load().Find(One));
        Assert.Equal(running, new CpuMemory(Path).Load().Find(Two));
        once.Keep(Claims((Two, running)), [Two]);
        Assert.Equal(CpuClaim.None, new CpuMemory(Path).Load().Find(One));
    }

    [Theory]
    [InlineData(
        """{"version":1,"vms":[null,{"key":{"pid":1000,"startTime":5},"initialMask":"x","vcpus":"5-1"}]}"""
    )]
    [InlineData("""{"version":1}""")]
    [InlineData("""{"version":2,"vms":[]}""")]
    [InlineData("{")]
    public void What_makes_no_sense_costs_only_itself(string text)
    {
        File.WriteAllText(Path, text);

        Assert.Equal(CpuClaim.None, new CpuMemory(Path).Load().Find(One));
    }

    private static CpuClaims Claims(params (VmKey, CpuClaim)[] all) =>
        CpuClaims.Of(all.Select(vm => KeyValuePair.Create(vm.Item1, vm.Item2)));
}
