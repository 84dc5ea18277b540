using PinAgent.Kubernetes.Client;
using PinAgent.Kubernetes.Watch;
using PinAgent.Model;
using PinAgent.Model.Kubernetes;

namespace PinAgent.Observe.Cluster;

/// <summary>
/// Asks, once, for the VMI of a launcher pod that neither watch of VMIs has: before KubeVirt has labelled it, between
/// two labels at a migration's hand-over, and after it.
/// </summary>
/// <param name="state">What is known, and where the answers go.</param>
/// <param name="vmiPath">The kind's path in the version that the server has.</param>
/// <param name="random">From 0 to below 1.</param>
internal sealed class VmiLookup(
    ApiConnection connection,
    ClusterState state,
    Func<string> vmiPath,
    TimeProvider time,
    Func<double> random
)
{
    private readonly Trigger _trigger = new();
    private readonly HashSet<string> _toRepeat = [];

    /// <summary>There may be something to ask for.</summary>
    public void Wake() => _trigger.Set();

    /// <summary>Asks until told to stop.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        var failures = 0;
        try
        {
            while (true)
            {
                await _trigger.WaitAsync(stop);
                Forget();
                foreach (var pod in Missing())
                {
                    await AskAsync(pod, stop);
                }

                failures = _toRepeat.Count > 0 ? failures + 1 : 0;
                if (failures > 0)
                {
                    await Task.Delay(Backoff.Usual.Delay(failures, random()), time, stop);
                    _trigger.Set();
                }
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // As told.
        }
    }

    private IEnumerable<PodFacts> Missing() =>
        state.VmisHere.Health is { HasSynced: true, IsUnavailable: false }
        && state.VmisComing.Health.HasSynced
            ? state
                .Pods.Items.Values.Where(pod =>
                    pod is { IsLauncher: true, IsFinished: false, HasComputeContainer: true }
                    && pod is { VmiName: not null, VmiUid: { } uid }
                    && !IsWatched(uid)
                    && !state.Fetched.ContainsKey(uid)
                    && (!state.Unfound.ContainsKey(pod.Uid) || _toRepeat.Contains(pod.Uid))
                )
                .ToList()
            : [];

    private bool IsWatched(string uid) =>
        state.VmisHere.Items.ContainsKey(uid) || state.VmisComing.Items.ContainsKey(uid);

    // Answers whose pod is gone, or whose VMI is watched by now.
    private void Forget()
    {
        var pods = state.Pods.Items;
        var wanted = pods.Values.Select(pod => pod.VmiUid).ToHashSet();
        state.SetFetched(
            state.Fetched.RemoveRange(
                state.Fetched.Keys.Where(uid => !wanted.Contains(uid) || IsWatched(uid))
            ),
            state.Unfound.RemoveRange(
                state.Unfound.Keys.Where(pod =>
                    !pods.TryGetValue(pod, out var facts) || IsWatched(facts.VmiUid ?? "")
                )
            )
        );
        _toRepeat.RemoveWhere(pod => !state.Unfound.ContainsKey(pod));
    }

    private async Task AskAsync(PodFacts pod, CancellationToken stop)
    {
        var (found, problem) = await GetAsync(pod, stop);
        if (problem is null or { Kind: ApiProblemKind.NotFound })
        {
            _toRepeat.Remove(pod.Uid);
        }
        else
        {
            _toRepeat.Add(pod.Uid);
        }

        var name = $"VMI {pod.Namespace}/{pod.VmiName}";
        if (found?.Uid is { } uid && uid == pod.VmiUid)
        {
            state.SetFetched(state.Fetched.SetItem(uid, found), state.Unfound.Remove(pod.Uid));
        }
        else
        {
            var reason =
                problem is { Kind: ApiProblemKind.NotFound } ? $"the API server has no {name}"
                : problem is not null ? $"{name}: {problem.Message}"
                : $"{name} is another one by now: its uid isn't that of the pod's owner";
            state.SetFetched(state.Fetched, state.Unfound.SetItem(pod.Uid, reason));
        }
    }

    private async Task<(VmiFacts? Vmi, ApiProblem? Problem)> GetAsync(
        PodFacts pod,
        CancellationToken stop
    )
    {
        try
        {
            var kind = vmiPath();
            var slash = kind.LastIndexOf('/');
            using var response = await connection.GetAsync(
                $"{kind[..slash]}/namespaces/{Uri.EscapeDataString(pod.Namespace)}{kind[slash..]}/"
                    + Uri.EscapeDataString(pod.VmiName!),
                stop
            );
            var body = await connection.ReadAllAsync(response, ObjectKind<VmiFacts>.Largest, stop);
            var json = body.Span;
            return ApiMessage.ReadMetadata(json) is { Uid: not null, Name: not null } metadata
                ? (ApiReader.Vmis.Understand(metadata, json), null)
                : (null, new(ApiProblemKind.NotFound, "an answer without a uid and a name"));
        }
        catch (Exception exception)
            when (!stop.IsCancellationRequested && ApiProblem.Of(exception) is { } problem)
        {
            return (null, problem);
        }
    }
}
