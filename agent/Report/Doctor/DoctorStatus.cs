using System.Collections.Immutable;
using PinAgent.Model.Node;

namespace PinAgent.Report.Doctor;

/// <summary>The answer of <c>pinagent doctor</c>.</summary>
/// <param name="Version">The version of this program.</param>
/// <param name="Findings">What each check has found.</param>
internal sealed record DoctorStatus(string Version, string Node, ImmutableArray<Finding> Findings)
{
    /// <summary>The worst that was found.</summary>
    public FindingLevel Level =>
        Findings.Select(finding => finding.Level).DefaultIfEmpty(FindingLevel.Ok).Max();

    /// <summary>Judges what was gathered.</summary>
    /// <param name="version">The version of this program.</param>
    /// <param name="cluster">The cluster; null where none is configured.</param>
    public static DoctorStatus Of(
        string version,
        string node,
        HostFacts host,
        AgentFacts agent,
        ClusterAnswers? cluster
    ) =>
        new(
            version,
            node,
            [
                .. HostChecks.Of(host),
                .. PermissionChecks.Of(host),
                .. KubeletChecks.Of(host),
                AgentCheck.Of(agent),
                .. ClusterChecks.Of(cluster),
            ]
        );
}
