using PinAgent.Model.Cpu;
using PinAgent.Model.Vm;
using PinAgent.NativeInterop;
using PinAgent.Observe.Files;
using PinAgent.Observe.Proc;

namespace PinAgent.Observe.Cgroups;

/// <summary>Reads which cgroup a VM is in, and which CPUs that and its threads' own cgroups have.</summary>
internal sealed class VmCgroups(HostFiles files)
{
    /// <summary>Completes a VM by its cgroup and cpusets.</summary>
    /// <param name="vm">The VM, with its threads.</param>
    /// <param name="cgroups">The hierarchy with the cpusets; null if there is none.</param>
    /// <param name="cgroupProblem">Why there is none.</param>
    /// <param name="before">The VM as it was, if its threads of then are in the cgroups of then; null to read them all.</param>
    public ObservedVm Observe(
        ObservedVm vm,
        CgroupHierarchy? cgroups,
        string? cgroupProblem,
        ObservedVm? before = null
    )
    {
        var pid = vm.Key.Pid;
        if (cgroups is null)
        {
            return Unreadable(cgroupProblem ?? "no cgroup hierarchy with cpusets is mounted");
        }

        var result = files.ReadOnePiece($"/proc/{pid}/task/{pid}/cgroup", out var content);
        if (!result.IsSuccess)
        {
            return Unreadable(
                result.ToException(files.Display($"/proc/{pid}/task/{pid}/cgroup")).Message
            );
        }

        if (PathOf(cgroups, pid, content, out var problem) is not { } main)
        {
            return Unreadable(problem);
        }

        var location = cgroups.Pods.Locate(main);
        cgroups.Renew(location.Path);
        var (cpuset, cpusetProblem, file) = cgroups.ReadEffective(location.Path);
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
                Problem = Standing.Unclear(
                    Reason.CpusetEmpty,
                    $"{location.Path}: the effective cpuset is empty, so the VM has no CPU to run on"
                ),
            };
        }

        var known = (before?.Threads ?? [])
            .DistinctBy(ThreadKey.Of)
            .ToDictionary(ThreadKey.Of, thread => thread.OwnCpuset);

        // Many threads in a row are in the same cgroup.
        CpuSet? ofLast = null;
        var last = Array.Empty<byte>();
        var threads = vm.Threads.ToBuilder();
        for (var i = 0; i < threads.Count; i++)
        {
            if (!known.TryGetValue(ThreadKey.Of(threads[i]), out var own))
            {
                var tid = threads[i].Tid;
                result = files.ReadOnePiece($"/proc/{pid}/task/{tid}/cgroup", out content);
                if (result.Errno.MeansGone())
                {
                    continue;
                }

                if (!result.IsSuccess)
                {
                    return Unreadable(
                        result.ToException(files.Display($"/proc/{pid}/task/{tid}/cgroup")).Message
                    );
                }

                if (!content.SequenceEqual(last))
                {
                    last = content.ToArray();
                    ofLast =
                        PathOf(cgroups, pid, last, out _) is { } path
                        && path != location.Path
                        && cgroups.ReadEffective(path).Cpus is { } theirs
                        && !theirs.Equals(cpuset)
                            ? theirs
                            : null;
                }

                own = ofLast;
            }

            if (!Equals(own, threads[i].OwnCpuset))
            {
                threads[i] = threads[i] with { OwnCpuset = own };
            }
        }

        var (given, unread, _) = cgroups.ReadOwn(location.Path, out var isAbove);
        var housekeeping =
            cgroups.ReadChild(location.Path, "housekeeping", ref unread)
            ?? cgroups.ReadChild($"{location.Path}/container", "housekeeping", ref unread);
        return unread is not null
            ? Unreadable(unread)
            : vm with
            {
                Cgroup = location,
                Cpuset = cpuset,
                CpusetFile = file,
                GivenCpuset = given,
                IsGivenAbove = given is not null && isAbove,
                Housekeeping = housekeeping,
                Threads = threads.DrainToImmutable(),
            };

        ObservedVm Unreadable(string text) =>
            vm with
            {
                Problem = vm.Problem ?? Standing.Unclear(Reason.CpusetUnreadable, text),
            };
    }

    private string? PathOf(
        CgroupHierarchy cgroups,
        int pid,
        ReadOnlySpan<byte> content,
        out string problem
    )
    {
        problem = "";
        if (!ProcCgroup.TryParse(content, cgroups.Mount.IsV1, out var path))
        {
            problem =
                $"{files.Display($"/proc/{pid}/task/{pid}/cgroup")}: expected a line for "
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
