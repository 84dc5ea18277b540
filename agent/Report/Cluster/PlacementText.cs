using System.Text.Json;
using System.Text.Json.Serialization;
using PinAgent.Model.Vm;
using PinAgent.Report.Status;

namespace PinAgent.Report.Cluster;

/// <summary>The compact map of a pinned VM: what annotation <c>pinagent.dev/placement</c> says.</summary>
/// <param name="Vcpus">The CPU of each vCPU, by the vCPU's number.</param>
/// <param name="IoThreads">The CPUs of each I/O thread, by its number; null if there is none.</param>
internal sealed record PlacementText(
    SortedDictionary<int, string> Vcpus,
    string? Emulator,
    SortedDictionary<int, string>? IoThreads
)
{
    /// <summary>
    /// The map as JSON: <c>{"vcpus":{"0":"2","1":"10"},"emulator":"3"}</c>; null unless the VM is pinned.
    /// </summary>
    public static string? Of(VmStatus vm)
    {
        if (vm.State != VmState.Pinned)
        {
            return null;
        }

        var ioThreads = ByNumber(vm, ThreadRole.IoThread);
        return JsonSerializer.Serialize(
            new PlacementText(
                ByNumber(vm, ThreadRole.Vcpu),
                vm.Threads.FirstOrDefault(thread => thread.Role == ThreadRole.Emulator)
                    ?.Actual?.ToString(),
                ioThreads.Count > 0 ? ioThreads : null
            ),
            PlacementJson.Default.PlacementText
        );
    }

    private static SortedDictionary<int, string> ByNumber(VmStatus vm, ThreadRole role)
    {
        var map = new SortedDictionary<int, string>();
        foreach (var thread in vm.Threads.Where(thread => thread.Role == role))
        {
            if (thread is { Index: { } index, Actual: { } cpus })
            {
                map[index] = cpus.ToString();
            }
        }

        return map;
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull
)]
[JsonSerializable(typeof(PlacementText))]
internal sealed partial class PlacementJson : JsonSerializerContext;
