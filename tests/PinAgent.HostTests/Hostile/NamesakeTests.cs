using PinAgent.HostTests.Harness;
using Xunit;

namespace PinAgent.HostTests.Hostile;

/// <summary>What a tenant gets by giving its guest the name of somebody else's: nothing.</summary>
[Trait("lane", "hostile")]
public sealed class NamesakeTests(HostileLane lane) : IClassFixture<HostileLane>
{
    private const int Timeout = Patience.Hang;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact(Timeout = Timeout)]
    public async Task The_neighbour_keeps_its_name_its_state_and_its_masks()
    {
        await using var scene = await StartAsync();
        var (name, masks) = ((await scene.VmAsync()).FullName, scene.Neighbour.Masks());

        await scene.MeetNamesakeAsync();

        var vm = await scene.VmAsync();
        Assert.Equal((name, "Pinned", null), (vm.FullName, vm.State, vm.Reason));
        Assert.Equal(masks, scene.Neighbour.Masks());
        await scene.PartFromNamesakeAsync();
        Assert.Equal(name, (await scene.VmAsync()).FullName);
    }

    [Fact(Timeout = Timeout)]
    public async Task A_release_holds_while_a_namesake_is_there_and_after()
    {
        await using var scene = await StartAsync();
        await scene.Agent.ReleaseAsync(scene.Neighbour.Pid);
        var masks = scene.Neighbour.Masks();

        await scene.MeetNamesakeAsync();

        Assert.True((bool)(await scene.VmAsync()).Json["released"]!);
        Assert.Equal(masks, scene.Neighbour.Masks());
        await scene.PartFromNamesakeAsync();
        Assert.True((bool)(await scene.VmAsync()).Json["released"]!);
        Assert.Equal(masks, scene.Neighbour.Masks());
    }

    private async Task<Encounter> StartAsync()
    {
        HostileLane.Require();
        var scene = new Encounter(lane.Programs);
        try
        {
            await scene.StartAsync();
            return scene;
        }
        catch
        {
            await scene.DisposeAsync();
            throw;
        }
    }

    private sealed class Encounter(string programs) : IAsyncDisposable
    {
        private readonly ControlGroup _group = new("neighbour");
        private readonly Tenants _tenants = new(programs);
        private int _namesake;

        public Neighbour Neighbour { get; private set; } = null!;

        public MeasuredAgent Agent { get; private set; } = null!;

        public async Task StartAsync()
        {
            Neighbour = await Neighbour.StartAsync(_group);
            Agent = new MeasuredAgent(ManifestLimits.Read(), Neighbour.Name);
            await Agent.PinnedAsync();
        }

        /// <summary>What the status says of the neighbour.</summary>
        public async Task<Vm> VmAsync() => (await Agent.StatusAsync()).Vm(Neighbour.Pid);

        /// <summary>Starts a namesake and waits until the agent has seen it.</summary>
        public async Task MeetNamesakeAsync()
        {
            await _tenants.StartAsync("crowd", $"GUEST={Neighbour.Name}", "VCPUS=1", "THREADS=1");
            _namesake = _tenants.Pids.Single(pid =>
                File.ReadAllText($"/proc/{pid}/comm") == "crowd\n"
            );
            while (!(await Agent.StatusAsync()).Has(_namesake))
            {
                Stop.ThrowIfCancellationRequested();
            }
        }

        /// <summary>Ends it and waits until the agent has seen that.</summary>
        public async Task PartFromNamesakeAsync()
        {
            Processes.End(_namesake);
            while ((await Agent.StatusAsync()).Has(_namesake))
            {
                Stop.ThrowIfCancellationRequested();
            }
        }

        public async ValueTask DisposeAsync()
        {
            if (Agent is not null)
            {
                await Agent.DisposeAsync();
            }

            if (Neighbour is not null)
            {
                await Neighbour.DisposeAsync();
            }

            _tenants.Dispose();
            _group.Dispose();
        }
    }
}
