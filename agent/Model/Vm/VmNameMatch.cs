namespace PinAgent.Model.Vm;

/// <summary>
/// How people may call a VM, on every command line and in every path: <c>namespace/name</c>, its process id,
/// <c>namespace_name</c> as KubeVirt calls the guest, or its name alone.
/// </summary>
internal static class VmNameMatch
{
    /// <summary>
    /// The VMs that a text means; more than one if it doesn't tell them apart. A full name or a process id means no other
    /// VM, whatever a tenant has called a guest. The two short forms are equal: neither shadows the other.
    /// </summary>
    /// <typeparam name="T">What stands for a VM.</typeparam>
    public static IReadOnlyList<T> Find<T>(
        string text,
        IReadOnlyCollection<T> vms,
        Func<T, (string Namespace, string Name, int Pid)> identity
    )
    {
        Func<(string Namespace, string Name, int Pid), bool>[] ways =
        [
            vm => Joins(text, vm.Namespace, '/', vm.Name),
            vm => text == $"{vm.Pid}",
            vm => text == vm.Name || Joins(text, vm.Namespace, '_', vm.Name),
        ];
        return ways.Select(means => vms.Where(vm => means(identity(vm))).ToList())
                .FirstOrDefault(found => found.Count > 0)
            ?? [];
    }

    /// <summary>The VMs by each form of their names, which say nothing of process ids: for many texts, or for longer.</summary>
    /// <typeparam name="T">What stands for a VM.</typeparam>
    public static ILookup<string, T> ByName<T>(
        IEnumerable<T> vms,
        Func<T, (string Namespace, string Name)> identity
    ) =>
        vms.SelectMany(vm =>
            {
                var (space, name) = identity(vm);
                return new[] { $"{space}/{name}", $"{space}_{name}", name }.Select(form =>
                    (form, vm)
                );
            })
            .ToLookup(pair => pair.form, pair => pair.vm);

    // Without building the name of every VM for every question.
    private static bool Joins(string text, string space, char separator, string name) =>
        text.Length == space.Length + 1 + name.Length
        && text[space.Length] == separator
        && text.StartsWith(space, StringComparison.Ordinal)
        && text.EndsWith(name, StringComparison.Ordinal);
}
