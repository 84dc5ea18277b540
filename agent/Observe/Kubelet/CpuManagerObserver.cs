using PinAgent.Model.Node;
using PinAgent.NativeInterop;
using PinAgent.Observe.Files;

namespace PinAgent.Observe.Kubelet;

/// <summary>Looks for the kubelet and its CPU manager's checkpoint.</summary>
internal static class CpuManagerObserver
{
    /// <summary>The kubelet's root folder, where nothing else is said.</summary>
    public const string DefaultKubeletRoot = "/var/lib/kubelet";

    /// <summary>The same on OpenShift 3.</summary>
    public const string OldOpenShiftRoot = "/var/lib/origin/openshift.local.volumes";

    /// <summary>Looks.</summary>
    /// <param name="kubeletRoot">The kubelet's root folder on that machine.</param>
    public static CpuManagerObservation Observe(
        HostFiles files,
        string kubeletRoot = DefaultKubeletRoot
    )
    {
        var root = kubeletRoot.TrimEnd('/');
        var seen = ObserveCheckpoint(files, root);
        return DraDriver.Find(files, root) is { } driver
            ? seen with
            {
                State = seen.State == CpuManagerState.None ? CpuManagerState.Dra : seen.State,
                Evidence = [.. seen.Evidence, driver],
            }
            : seen;
    }

    /// <summary>
    /// The kubelet's root: the one that is given, or OpenShift's old one where that is the default and isn't there.
    /// </summary>
    public static string FindRoot(HostFiles files, string given) =>
        given.TrimEnd('/') == DefaultKubeletRoot
        && files.ListNames($"{DefaultKubeletRoot}", []).Errno == Errno.ENOENT
        && files.ListNames($"{OldOpenShiftRoot}", []).IsSuccess
            ? OldOpenShiftRoot
            : given;

    /// <summary>The checkpoint's path.</summary>
    public static string PathBelow(string kubeletRoot) =>
        $"{kubeletRoot.TrimEnd('/')}/cpu_manager_state";

    private static CpuManagerObservation ObserveCheckpoint(HostFiles files, string root)
    {
        var path = PathBelow(root);
        var where = files.Display(path);
        var result = files.Read($"{path}", out var content);
        if (result.IsSuccess)
        {
            return CpuManagerStateFile.TryParse(content, out var checkpoint, out var error)
                ? new(
                    StateOf(checkpoint),
                    checkpoint,
                    [Describe(where, checkpoint), .. Contradictions(where, checkpoint)]
                )
                : new(CpuManagerState.Unknown, null, [$"{where}: {error}"]);
        }

        if (result.Errno != Errno.ENOENT)
        {
            return new(
                CpuManagerState.Unknown,
                null,
                [result.ToException($"{where}: can't be read").Message]
            );
        }

        var names = new List<string>();
        var folder = files.ListNames($"{root}", names);
        return folder.IsSuccess
            ? new(
                CpuManagerState.None,
                null,
                [$"{where}: no such file, in a kubelet root that can be read"]
            )
            : new(
                CpuManagerState.Unknown,
                null,
                [
                    $"{files.Display(root)}: {folder.Errno.Describe()}; no kubelet here, or its root is elsewhere "
                        + "(--kubelet-root)",
                ]
            );
    }

    private static CpuManagerState StateOf(CpuManagerCheckpoint checkpoint) =>
        checkpoint.PolicyName switch
        {
            "static" => CpuManagerState.Static,
            "none" => CpuManagerState.None,
            _ => CpuManagerState.Unknown,
        };

    // A file that says so once says so of many CPUs.
    private static IEnumerable<string> Contradictions(
        string where,
        CpuManagerCheckpoint checkpoint
    ) =>
        CheckpointContradictions.Of(checkpoint) switch
        {
            [] => [],
            [var first] => [$"{where}: contradicts itself: {first.Message}"],
            [var first, .. var more] =>
            [
                $"{where}: contradicts itself: {first.Message}, and in {more.Length} more ways",
            ],
        };

    private static string Describe(string where, CpuManagerCheckpoint checkpoint) =>
        checkpoint.IsStatic
            ? $"{where}: policy static, shared pool {(checkpoint.SharedPool.IsEmpty ? "empty" : checkpoint.SharedPool)}, "
                + $"{checkpoint.Entries.Length} exclusive {(checkpoint.Entries.Length == 1 ? "entry" : "entries")}"
            : $"{where}: policy {checkpoint.PolicyName}";
}
