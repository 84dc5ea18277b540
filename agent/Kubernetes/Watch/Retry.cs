using PinAgent.Kubernetes.Client;

namespace PinAgent.Kubernetes.Watch;

/// <summary>
/// Which attempt the next one of a watch is, and how long it waits. A count holds for one kind of failure: what a server
/// says that has just come back isn't punished for the time that it was away. Pure.
/// </summary>
/// <param name="Failures">How often in a row.</param>
/// <param name="Ends">How many watches in a row ended, or were too old, before they told anything.</param>
internal readonly record struct Retry(RetryKind Kind, int Failures, int Ends)
{
    /// <summary>The state after an attempt.</summary>
    /// <param name="problem">Why it ended; null if the server ended it.</param>
    /// <param name="hasProgressed">Whether it told something, or lived long enough to be a working one.</param>
    /// <param name="isPatient">Whether a refusal is likely to pass.</param>
    public Retry After(ApiProblem? problem, bool hasProgressed, bool isPatient)
    {
        var before = hasProgressed ? default : this;
        if (problem is null or { Kind: ApiProblemKind.Expired })
        {
            return before with { Ends = hasProgressed ? 0 : before.Ends + 1 };
        }

        var kind =
            !problem.IsRefusal ? RetryKind.Trouble
            : isPatient ? RetryKind.PassingRefusal
            : RetryKind.Refusal;
        return before with
        {
            Kind = kind,
            Failures = kind == before.Kind ? before.Failures + 1 : 1,
        };
    }

    /// <summary>How long to wait after that; null to go on at once.</summary>
    /// <param name="problem">Why the attempt ended; null if the server ended it.</param>
    /// <param name="random">From 0 to below 1.</param>
    public TimeSpan? Wait(ApiProblem? problem, double random)
    {
        if (problem is null or { Kind: ApiProblemKind.Expired })
        {
            // No failure, the first time.
            return Ends > 1 ? Backoff.Usual.Delay(Ends, random) : null;
        }

        return problem.RetryAfter is { } asked
            ? Backoff.AskedFor(asked, random)
            : Kind switch
            {
                RetryKind.PassingRefusal => Backoff.Refused.Delay(Failures, random),
                RetryKind.Refusal => Backoff.Slow.Delay(Failures, random),
                _ => Backoff.Usual.Delay(Failures, random),
            };
    }
}

/// <summary>Kinds of failures that are counted apart.</summary>
internal enum RetryKind
{
    /// <summary>None.</summary>
    None,

    /// <summary>The server is away or in trouble.</summary>
    Trouble,

    /// <summary>403 or 404 of a server that may only not have read its rights and kinds yet.</summary>
    PassingRefusal,

    /// <summary>403 or 404 that may stay for ever.</summary>
    Refusal,
}
