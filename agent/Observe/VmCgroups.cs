using PinAgent.Model;

namespace PinAgent.Observe;

/// <summary>Reads which cgroup a VM is in, and which CPUs that and its threads' own cgroups have.</summary>
/// <param name="files">The machine's files.</param>
internal sealed class VmCgroups(HostFiles files)
{
    /// <summary>Completes a VM by its cgroup and cpusets.</summary>
    /// <param name="vm">The VM, with its threads.</param>
    /// <param name="cgroups">The hierarchy with the cpusets; null if there is none.</param>
    /// <param name="cgroupProblem">Why there is none.</param>
    public ObservedVm Observe(ObservedVm vm, CgroupHierarchy? cgroups, string? cgroupProblem)
    {
        var pid = vm.Key.Pid;
        if (cgroups is null)
        {
            return Unreadable(cgroupProblem ?? "no cgroup hierarchy with cpusets is mounted");
        }

        var main = PathOf(cgroups, pid, pid, out var problem);
        if (main is null)
        {
            return Unreadable(problem);
        }

        var location = ContainerPath.Parse(main);
        cgroups.Renew(location.Path);
        var (cpuset, cpusetProblem) = cgroups.ReadEffective(location.Path);
        if (cpuset is null)
        {
            return Unreadable(cpusetProblem ?? location.Path) with { Cgroup = location };
        }

        if (cpuset.IsEmpty)
        {
            return vm with
            {
                Cgroup = location,
                Cpuset = cpuset,
                Problem = new VmProblem(
                    Reason.CpusetEmpty,
                    $"{location.Path}: the effective cpuset is empty, so the VM has no CPU to run on"
                ),
            };
        }

        var threads = vm.Threads.ToBuilder();
        for (var i = 0; i < threads.Count; i++)
        {
            if (
                PathOf(cgroups, pid, threads[i].Tid, out _) is { } path
                && path != location.Path
                && cgroups.ReadEffective(path).Cpus is { } own
                && !own.Equals(cpuset)
            )
            {
                threads[i] = threads[i] with { OwnCpuset = own };
            }
        }

        return vm with
        {
            Cgroup = location,
            Cpuset = cpuset,
            GivenCpuset = cgroups.ReadOwn(location.Path),
            Housekeeping =
                cgroups.ReadChild(location.Path, "housekeeping")
                ?? cgroups.ReadChild($"{location.Path}/container", "housekeeping"),
            Threads = threads.DrainToImmutable(),
        };

        ObservedVm Unreadable(string text) =>
            vm with
            {
                Problem = vm.Problem ?? new VmProblem(Reason.CpusetUnreadable, text),
            };
    }

    private string? PathOf(CgroupHierarchy cgroups, int pid, int tid, out string problem)
    {
        problem = "";
        var result = files.Read($"/proc/{pid}/task/{tid}/cgroup", out var content);
        if (!result.IsSuccess)
        {
            problem = result.ToException(files.Display($"/proc/{pid}/task/{tid}/cgroup")).Message;
            return null;
        }

        if (!ProcCgroup.TryParse(content, cgroups.Mount.IsV1, out var path))
        {
            problem =
                $"{files.Display($"/proc/{pid}/task/{tid}/cgroup")}: expected a line for "
                + (cgroups.Mount.IsV1 ? "v1's cpuset controller" : "v2")
                + ", found none";
            return null;
        }

        var resolved = cgroups.Resolve(path);
        if (resolved is null)
        {
            problem =
                $"{path} is relative to the agent's own cgroup, which isn't found in the hierarchy mounted at "
                + $"{files.Display(cgroups.Mount.MountPoint)}: mount the host's there";
        }

        return resolved;
    }
}
