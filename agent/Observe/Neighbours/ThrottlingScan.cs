using PinAgent.Model.Vm;
using PinAgent.Observe.Files;
using PinAgent.Observe.Proc;

namespace PinAgent.Observe.Neighbours;

/// <summary>Finds the VMs whose CPU limit has held them back since the look before.</summary>
internal sealed class ThrottlingScan
{
    private Dictionary<VmKey, long> _before = [];

    /// <summary>Looks. A VM that is seen for the first time isn't among them.</summary>
    public IEnumerable<VmKey> Look(HostFiles files, IEnumerable<VmKey> vms)
    {
        var stat = new CpuStat(files);
        var before = _before;
        _before = vms.Select(vm => (vm, stat.ReadThrottled(vm.Pid)?.Periods))
            .Where(vm => vm.Periods is not null)
            .ToDictionary(vm => vm.vm, vm => vm.Periods ?? 0);
        return
        [
            .. _before
                .Where(vm => before.TryGetValue(vm.Key, out var old) && vm.Value > old)
                .Select(vm => vm.Key),
        ];
    }
}
