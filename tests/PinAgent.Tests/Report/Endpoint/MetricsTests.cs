using Microsoft.Extensions.Time.Testing;
using PinAgent.Model.Vm;
using PinAgent.Report.Metrics;
using PinAgent.Report.Status;
using Xunit;
using static PinAgent.Tests.Report.Endpoint.ServedStatus;

namespace PinAgent.Tests.Report.Endpoint;

/// <summary>What Prometheus gets from the endpoint, over several passes.</summary>
public sealed class MetricsTests
{
    private const int Timeout = Patience.Hang;

    [Fact(Timeout = Timeout)]
    public async Task The_time_in_which_a_VM_is_not_pinned_adds_up_from_pass_to_pass()
    {
        var clock = new FakeTimeProvider();
        await using var served = await StartAsync(clock);
        var refused = Vm("vm1") with { State = VmState.Refused, Reason = Reason.NotEnoughCpus };

        // Of what was before the first pass nothing is known.
        clock.Advance(TimeSpan.FromSeconds(60));
        Put(refused, refused with { Name = "vm2" });
        Put(refused);
        Put(refused);
        Put(Vm("vm1"));
        Put(Vm("vm1"));

        var text = await GetAsync(served);
        Assert.Contains("\npinagent_unpinned_seconds_total 4\n", text);
        Assert.Contains("\npinagent_resync_duration_seconds_count 5\n", text);
        Assert.Contains("\npinagent_resync_duration_seconds_sum 1.25\n", text);

        void Put(params VmStatus[] vms)
        {
            served.Store.Put(Node(0, vms), new PassFigures(TimeSpan.FromSeconds(0.25), [], 0));
            clock.Advance(TimeSpan.FromSeconds(1));
        }
    }

    [Theory(Timeout = Timeout)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Single_VMs_are_told_of_only_where_that_is_switched_on(bool isOn)
    {
        await using var served = await StartAsync(vmMetrics: isOn);
        served.Store.Put(Node(0, Vm("vm1")));

        var text = await GetAsync(served);

        Assert.Equal(isOn, text.Contains("vm=\"vm1\"", StringComparison.Ordinal));
    }

    private static async Task<string> GetAsync(ServedStatus served)
    {
        using var response = await served.Tcp.GetAsync(
            "/metrics",
            TestContext.Current.CancellationToken
        );
        Assert.Equal(
            "text/plain; version=0.0.4; charset=utf-8",
            $"{response.Content.Headers.ContentType}"
        );
        return await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
    }
}
