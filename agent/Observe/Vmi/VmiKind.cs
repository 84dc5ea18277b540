using System.Collections.Immutable;

namespace PinAgent.Observe.Vmi;

/// <summary>A kind of object that says what a VMI is to be.</summary>
/// <param name="Group">Its API group, with the slash before the version.</param>
/// <param name="Template">Where in the object the VMI is, which has its own metadata and spec; empty for the object itself.</param>
internal sealed record VmiKind(string Name, string Group, ImmutableArray<string> Template)
{
    /// <summary>A VMI.</summary>
    public const string Instance = "VirtualMachineInstance";

    /// <summary>A VM.</summary>
    public const string MachineName = "VirtualMachine";

    private const string KubeVirt = "kubevirt.io/";

    /// <summary>All that are read.</summary>
    public static ImmutableArray<VmiKind> All { get; } =
    [
        new(Instance, KubeVirt, []),
        new(MachineName, KubeVirt, ["spec", "template"]) { Machine = [] },
        new("VirtualMachineInstanceReplicaSet", KubeVirt, ["spec", "template"]) { IsMany = true },
        new(
            "VirtualMachinePool",
            "pool.kubevirt.io/",
            ["spec", "virtualMachineTemplate", "spec", "template"]
        )
        {
            Machine = ["spec", "virtualMachineTemplate"],
            IsMany = true,
        },
    ];

    /// <summary>Where in the object the VM is, whose spec can name an instancetype; null where there is none.</summary>
    public ImmutableArray<string>? Machine { get; init; }

    /// <summary>Whether it stands for any number of VMIs, with names of their own.</summary>
    public bool IsMany { get; init; }

    /// <summary>Where the VMI's spec is.</summary>
    public string SpecPath => string.Join('.', [.. Template, "spec"]);

    /// <summary>The kind of an object; null if it's another's.</summary>
    /// <param name="version">Its <c>apiVersion</c>; null if it doesn't say.</param>
    public static VmiKind? Of(string? kind, string? version) =>
        All.FirstOrDefault(one =>
            one.Name == kind
            && (version is null || version.StartsWith(one.Group, StringComparison.Ordinal))
        );
}
