using PinAgent.Model.Node;
using PinAgent.Report;
using PinAgent.State;

namespace PinAgent.Loop;

/// <summary>
/// The mode of an agent that stays: masks are set by one at a time. Who only reports, or makes one pass, may run beside.
/// </summary>
internal sealed class SoleAgent(AgentLock @lock, Func<EffectiveMode> mode)
{
    /// <summary>Refuses to begin beside another one.</summary>
    /// <exception cref="InvalidDataException">Another one pins here; the message names it.</exception>
    public void Begin()
    {
        if (mode().Mode == AgentMode.Enforce && @lock.Take() is { } other)
        {
            throw new InvalidDataException(
                $"{other}: stop that one, run this one with --mode audit, or give it its own --state-dir if it pins other VMs"
            );
        }
    }

    /// <summary>The mode before a pass: where another has come first since, none but that one sets masks.</summary>
    public EffectiveMode Look()
    {
        var asked = mode();
        if (asked.Mode != AgentMode.Enforce)
        {
            @lock.Dispose();
            return asked;
        }

        return @lock.Take() is { } other
                ? asked with
                {
                    Mode = AgentMode.Audit,
                    Message = $"{other}: audit only until it ends",
                }
            : @lock.Problem is { } problem
                ? asked with
                {
                    Notice = asked.Notice is { } notice ? $"{notice}; {problem}" : problem,
                }
            : asked;
    }
}
