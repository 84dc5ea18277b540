using PinAgent.Model.Cpu;
using PinAgent.Model.Node;
using PinAgent.Model.Vm;
using PinAgent.Plan;
using Xunit;

namespace PinAgent.Tests.Plan.Ownership;

/// <summary>What an account without any right on the host can start: it costs nobody else anything.</summary>
public sealed class HostileVmTests
{
    private static readonly GuestTopology Two = new(1, 1, 2);

    [Theory]
    [InlineData(65_536)]
    [InlineData(999_999_999)]
    public void A_vCPU_number_that_no_guest_has_ends_no_pass(int number)
    {
        var vm = Vms.Vm("poser", "0-15", Two, pid: 500).Unconfined().Masked("4-7");
        vm = vm with
        {
            Threads =
            [
                .. vm.Threads.Select(thread =>
                    thread.Index == 1 ? thread with { Index = number } : thread
                ),
            ],
        };

        var plans = new Node().Pass(vm, Vms.Vm("vm1", "1,9", Two));

        Assert.Equal("placed", plans[1].Standing());
    }
}
