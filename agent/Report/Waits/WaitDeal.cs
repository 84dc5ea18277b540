namespace PinAgent.Report.Waits;

/// <summary>
/// Deals a budget out among VMs as cards are dealt, one vCPU each and round again, so that a VM with thousands of them takes
/// its turn and nobody else's. Pure.
/// </summary>
internal static class WaitDeal
{
    /// <summary>Whose turn it is: all, or as many as the budget has.</summary>
    /// <param name="vms">The vCPUs of each VM, in the order in which they are dealt.</param>
    /// <param name="first">The VM that is dealt to first.</param>
    /// <returns>Each with its VM's place in the list.</returns>
    public static IReadOnlyList<(int Vm, int Vcpu)> Of(
        IReadOnlyList<IReadOnlyList<int>> vms,
        int first,
        int budget
    )
    {
        var dealt = new List<(int, int)>();
        for (var round = 0; dealt.Count < budget; round++)
        {
            var before = dealt.Count;
            for (var seat = 0; seat < vms.Count && dealt.Count < budget; seat++)
            {
                var vm = (first + seat) % vms.Count;
                if (round < vms[vm].Count)
                {
                    dealt.Add((vm, vms[vm][round]));
                }
            }

            if (dealt.Count == before)
            {
                break;
            }
        }

        return dealt;
    }
}
