using PinAgent.Model.Node;

namespace PinAgent.Report.Doctor;

/// <summary>What this process may do: capabilities and security modules. Pure.</summary>
/// <remarks>Capabilities by number: <c>linux/capability.h</c>; what they allow: capabilities(7), proc(5), ptrace(2).</remarks>
internal static class PermissionChecks
{
    private const int NetAdmin = 12;
    private const int SysPtrace = 19;
    private const int SysNice = 23;
    private const int Perfmon = 38;
    private const int Bpf = 39;
    private const string NoAttach = "3";

    public static IEnumerable<Finding> Of(HostFacts host)
    {
        // Of a machine that is only recorded nothing is asked of the kernel.
        if (host.Capabilities is not { } capabilities)
        {
            yield break;
        }

        if (host.IsUnprivileged)
        {
            yield return new(
                "user",
                FindingLevel.Warning,
                "not root: what follows is what this user may do, not what an agent may",
                "what only root may see and ask",
                "Call it as root, as the agent is run"
            );
        }

        yield return Has(capabilities, SysNice)
            ? Finding.Ok("CAP_SYS_NICE", "effective")
            : new(
                "CAP_SYS_NICE",
                FindingLevel.Problem,
                "missing",
                "pinning threads of other users: PartlyPinned, PermissionMissing",
                "Run as root with it, in a pod: securityContext.capabilities.add: [SYS_NICE]"
            );
        yield return Has(capabilities, NetAdmin)
            ? Finding.Ok("CAP_NET_ADMIN", "effective")
            : new(
                "CAP_NET_ADMIN",
                FindingLevel.Warning,
                "missing",
                "pinning a new VM at once, as the kernel tells of its threads: it takes up to a period",
                "Add it, and in a pod hostNetwork: true, as deploy/base does; deploy/overlays/without-host-network does without"
            );
        yield return Has(capabilities, SysPtrace)
            ? Finding.Ok("CAP_SYS_PTRACE", "effective")
            : new(
                "CAP_SYS_PTRACE",
                FindingLevel.Warning,
                "missing",
                "telling the vCPUs of a QEMU whose threads aren't named: Waiting, ThreadsUnnamed; a topology in a file of "
                    + "-readconfig that isn't the host's (LXD's snap)",
                "Add it, or start QEMU with debug-threads=on, as libvirt does, and with -smp"
            );
        yield return Finding.Ok(
            "CAP_BPF, CAP_PERFMON",
            Has(capabilities, Bpf) && Has(capabilities, Perfmon)
                ? "effective"
                : "not both there, and not needed: with them the kernel tells who moves a pinned thread, which is put back at once"
        );
        yield return Yama(host);
        yield return HidePid(host, capabilities);
        yield return SecurityModule(host);
    }

    private static Finding Yama(HostFacts host) =>
        host.PtraceScope == NoAttach
            ? new(
                "Yama",
                FindingLevel.Warning,
                "ptrace_scope 3: nobody may look into another process",
                "telling the vCPUs of a QEMU whose threads aren't named: Waiting, ThreadsUnnamed",
                "Start QEMU with debug-threads=on, as libvirt does; 3 can't be taken back before the next boot"
            )
            : Finding.Ok(
                "Yama",
                host.PtraceScope is { } scope ? $"ptrace_scope {scope}" : "not there"
            );

    private static Finding HidePid(HostFacts host, ulong capabilities) =>
        host.HidePid is { } hidden and not ("0" or "off") && !Has(capabilities, SysPtrace)
            ? new(
                "hidepid",
                FindingLevel.Problem,
                $"/proc is mounted with hidepid={hidden}, and CAP_SYS_PTRACE is missing",
                "VMs of other users aren't seen",
                "Add CAP_SYS_PTRACE, or mount /proc without hidepid"
            )
            : Finding.Ok("hidepid", host.HidePid is { } value ? $"hidepid={value}" : "off");

    private static Finding SecurityModule(HostFacts host)
    {
        const string Check = "security modules";
        var label = host.SecurityLabel is { Length: > 0 } text ? $", this process is {text}" : "";
        return host switch
        {
            { SelinuxEnforces: true }
                when !label.Contains("spc_t", StringComparison.Ordinal)
                    && !label.Contains("unconfined", StringComparison.Ordinal) => new(
                Check,
                FindingLevel.Warning,
                $"SELinux enforces{label}",
                "it may forbid to read other processes and to set their masks: then VMs are PartlyPinned",
                "Give the agent's container seLinuxOptions.type: spc_t"
            ),
            { SelinuxEnforces: { } enforces } => Finding.Ok(
                Check,
                $"SELinux {(enforces ? "enforces" : "is permissive")}{label}"
            ),
            { HasAppArmor: true } => Finding.Ok(Check, $"AppArmor{label}"),
            _ => Finding.Ok(Check, "neither SELinux nor AppArmor"),
        };
    }

    private static bool Has(ulong capabilities, int capability) =>
        (capabilities >> capability & 1) == 1;
}
