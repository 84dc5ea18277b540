using PinAgent.Model.Text;
using PinAgent.Model.Vm;
using PinAgent.Observe.Cgroups;
using PinAgent.Observe.Qemu;

namespace PinAgent.Tests.Observe.Qemu;

/// <summary>One look at a <see cref="FakeHost"/>'s QEMU processes.</summary>
internal static class QemuObservation
{
    /// <summary>Looks with an observer that has seen nothing before.</summary>
    public static IReadOnlyList<ObservedVm> Observe(FakeHost host) =>
        Observe(host, new QemuObserver(host.Files, new RecordedAffinityReader(host.Files)));

    /// <summary>Looks once more with an observer.</summary>
    public static IReadOnlyList<ObservedVm> Observe(FakeHost host, QemuObserver observer) =>
        observer.Observe(CgroupHierarchy.TryOpen(host.Files, out var problem), problem);

    /// <summary>The threads' ids and roles: <c>4711:emulator 4712:vcpu0</c>.</summary>
    public static string Roles(ObservedVm vm) =>
        string.Join(
            ' ',
            vm.Threads.Select(thread => $"{thread.Tid}:{thread.Role.ToWord()}{thread.Index}")
        );
}
