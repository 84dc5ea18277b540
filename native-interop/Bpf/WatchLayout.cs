using System.Runtime.InteropServices;

namespace PinAgent.NativeInterop.Bpf;

/// <summary>
/// What the programs are told at their start: whom they don't tell of, and where in the kernel's structures a task's cgroup
/// and its names are.
/// </summary>
/// <remarks><c>struct settings</c> in <c>watch.bpf.c</c>.</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct WatchLayout
{
    public uint OwnTgid;
    public uint TaskCssSet;
    public uint DefaultCgroup;
    public uint StateOfPids;
    public uint StateOfMemory;
    public uint StateOfDevices;
    public uint StateCgroup;
    public uint CgroupLevel;
    public uint CgroupNode;
    public uint NodeName;
    public uint NodeParent;
    public uint IsKnown;

    /// <summary>Finds the layout in type information; all but <see cref="OwnTgid"/> is zero where something is missing.</summary>
    public static WatchLayout Find(KernelTypes types)
    {
        // Called __parent since Linux 6.15.
        var parent =
            types.OffsetOf("kernfs_node"u8, "parent"u8)
            ?? types.OffsetOf("kernfs_node"u8, "__parent"u8);
        return
            types.OffsetOf("task_struct"u8, "cgroups"u8) is { } cssSet
            && types.OffsetOf("css_set"u8, "subsys"u8) is { } states
            && types.OffsetOf("css_set"u8, "dfl_cgrp"u8) is { } defaultCgroup
            && types.OffsetOf("cgroup_subsys_state"u8, "cgroup"u8) is { } cgroup
            && types.OffsetOf("cgroup"u8, "level"u8) is { } level
            && types.OffsetOf("cgroup"u8, "kn"u8) is { } node
            && types.OffsetOf("kernfs_node"u8, "name"u8) is { } name
            && parent is { } above
            ? new()
            {
                TaskCssSet = cssSet,
                DefaultCgroup = defaultCgroup,
                StateOfPids = State(types, states, "pids_cgrp_id"u8),
                StateOfMemory = State(types, states, "memory_cgrp_id"u8),
                StateOfDevices = State(types, states, "devices_cgrp_id"u8),
                StateCgroup = cgroup,
                CgroupLevel = level,
                CgroupNode = node,
                NodeName = name,
                NodeParent = above,
                IsKnown = 1,
            }
            : default;
    }

    /// <summary>Finds the layout of the running kernel.</summary>
    /// <param name="path">Its type information.</param>
    public static WatchLayout Read(string path) => KernelTypesFile.Find(path, Find);

    private static uint State(KernelTypes types, uint states, ReadOnlySpan<byte> subsystem) =>
        types.ValueOf("cgroup_subsys_id"u8, subsystem) is { } index
            ? states + (index * sizeof(ulong))
            : 0;
}
