using PinAgent.Model.Vm;

namespace PinAgent.Report.Status;

/// <summary>What an administrator can do about each reason.</summary>
internal static class ReasonActions
{
    private const string ClaimCpus =
        "Give the VM exclusive CPUs: in a cluster, a Guaranteed pod with whole CPUs on a node whose kubelet has "
        + "--cpu-manager-policy=static (see pinagent detect); elsewhere a cgroup with a cpuset of its own, or "
        + "--vm NAME=CPUS.";

    private const string GiveMoreCpus =
        "Give the VM's container as many CPUs as the message says, or ask for fewer: vCPUs, supplemental I/O threads, or "
        + "isolateEmulatorThread. On a plain host --vm NAME=CPUS says which it may have.";

    private const string WaitForPass =
        "Nothing: the next pass looks again. If it stays, see the agent's log.";

    /// <summary>The sentence.</summary>
    public static string Of(Reason reason) =>
        reason switch
        {
            Reason.InvalidInput =>
                "Correct the VM's CPU topology or VMI as the message says; pinagent validate -f checks a VMI.",
            Reason.UnknownCpu =>
                "Bring the CPUs of the VM's cpuset online again, or give its cgroup, or name with --vm, others.",
            Reason.NotEnoughCpus or Reason.NoCpuForIoThread or Reason.NoCpuForEmulator =>
                GiveMoreCpus,
            Reason.CrossesNumaNodes =>
                "Set the kubelet's --topology-manager-policy=single-numa-node and start the VM again, or give up "
                    + "spec.domain.cpu.numa.guestMappingPassthrough.",
            Reason.DedicatedCpusNotRequested =>
                "If it should be pinned, set spec.domain.cpu.dedicatedCpuPlacement: true and start it again.",
            Reason.NotNamed => "If it should be pinned, name it, too, with --vm.",
            Reason.NotInPod =>
                "If it should be pinned, run an agent for this machine alone: pinagent run --standalone.",
            Reason.NotKubeVirt =>
                "Nothing, unless it should be pinned: then run it as a KubeVirt VM with dedicatedCpuPlacement.",
            Reason.ForeignContainer =>
                "Find out who started it: the API server doesn't know the container, whose cgroup has the name of a pod's.",
            Reason.ApiUnanswered =>
                "Let the agent reach the API server and read pods and VMIs: its log and deploy/base/rbac.yaml say what is "
                    + "missing.",
            Reason.SwitchedOff =>
                "Take away the annotation pinagent.dev/mode: off when the VM should be pinned again.",
            Reason.PodLacksCpus =>
                "Let KubeVirt make the pod anew: stop the VM and start it, since what a running pod requests stays as it is.",
            Reason.NoCpusetOfItsOwn or Reason.CpusetIsSharedPool => ClaimCpus,
            Reason.CpusetTooSmall =>
                "Give its cgroup at least as many CPUs as the guest has vCPUs, or name the guest with --vm to see what it "
                    + "needs.",
            Reason.CpusetOverlaps =>
                "Give the two VMs cpusets that have no CPU in common; in a cluster, restart the pod that the CPU manager "
                    + "doesn't list (see pinagent detect).",
            Reason.CpusetEmpty =>
                "Bring a CPU of the VM's cpuset online, or write online CPUs into its cgroup's cpuset.cpus.",
            Reason.CpusetUnreadable =>
                "Let the agent see the host's cgroups: mount /sys/fs/cgroup into its pod, and see its log.",
            Reason.ThreadsUnnamed =>
                "Start QEMU with -name guest=NAME,debug-threads=on, as libvirt does; QEMU 11 and later name their threads always.",
            Reason.VcpuThreadsAmbiguous =>
                "Look at the names of QEMU's threads (ps -L -p PID): something gives several of them the same vCPU's name.",
            Reason.VcpusShareOneThread =>
                "Start QEMU with -accel kvm, or with -accel tcg,thread=multi.",
            Reason.VcpuThreadsStarting or Reason.ThreadGone or Reason.Narrowed => WaitForPass,
            Reason.Unreadable =>
                "Let the agent see the host's processes (hostPID: true, root): the message says which file it couldn't "
                    + "read.",
            Reason.AuditMode =>
                "Run the agent with --mode enforce, or take away the annotation pinagent.dev/mode: audit, to have it pinned.",
            Reason.Released =>
                "Undo it with pinagent release --undo --vm NAME, to have it pinned again.",
            Reason.PermissionMissing =>
                "Give the agent the capability SYS_NICE, and look whether a security module forbids it to move threads.",
            Reason.KernelRefused =>
                "Look at the thread the message names: one with a deadline (chrt -d), for example, can't be moved.",
            Reason.Confined =>
                "Write the CPU it should go on into the cpuset.cpus of the thread's own cgroup, or move the thread back into "
                    + "the VM's; or name other CPUs with --vm.",
            Reason.RealtimeDenied =>
                "Give the agent the capability SYS_NICE; where the kernel budgets real time by cgroup (CONFIG_RT_GROUP_SCHED), give "
                    + "the VM's cgroup some: cpu.rt_runtime_us.",
            Reason.AnotherWriter =>
                "Let one of the two do it: take the vcpupin, the taskset script or the tuning profile away, or give the VM back "
                    + "with pinagent release.",
            _ => throw new ArgumentOutOfRangeException(nameof(reason), reason, "unknown reason"),
        };
}
