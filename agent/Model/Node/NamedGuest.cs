using PinAgent.Model.Cpu;

namespace PinAgent.Model.Node;

/// <summary>
/// A guest that the administrator names with <c>--vm</c>, with the CPUs that are to be its, if he says so: <c>db1</c>,
/// <c>db1=4-7,12-15</c>. A name may have an equals sign itself, so the last one divides, and only where a list of CPUs follows.
/// </summary>
/// <param name="Text">What was written.</param>
internal sealed record NamedGuest(string Text)
{
    /// <summary>The guest's name, if the text has a list of CPUs behind it; else the text.</summary>
    public string Name => Cpus is null ? Text : Text[..Text.LastIndexOf('=')];

    /// <summary>The CPUs; null if none are told.</summary>
    public CpuSet? Cpus { get; } = Parse(Text);

    /// <summary>What was written.</summary>
    public static implicit operator NamedGuest(string text) => new(text);

    private static CpuSet? Parse(string text) =>
        text.LastIndexOf('=') is > 0 and var at
        && CpuSet.TryParse(text[(at + 1)..], out var cpus, out _)
        && !cpus.IsEmpty
            ? cpus
            : null;
}
