using System.Collections.Immutable;
using PinAgent.Report.Status;

namespace PinAgent.Report.Map;

/// <summary>What stands for a dedicated VM on the map: a letter, and one of a few colours, which repeat.</summary>
/// <param name="Letters">A to Z, then AA to ZZ and so on.</param>
/// <param name="Colour">The colour's number in <c>page.css</c>.</param>
internal sealed record VmTag(string Letters, int Colour)
{
    private const int Colours = 8;

    /// <summary>The tags of a status's VMs, in their order; null for those that own no CPUs.</summary>
    public static ImmutableArray<VmTag?> Of(NodeStatus status)
    {
        var next = 0;
        return [.. status.Vms.Select(vm => vm.Dedicated ? At(next++) : null)];
    }

    private static VmTag At(int place)
    {
        var letters = "";
        for (var rest = place; rest >= 0; rest = (rest / 26) - 1)
        {
            letters = (char)('A' + (rest % 26)) + letters;
        }

        return new VmTag(letters, place % Colours);
    }
}
