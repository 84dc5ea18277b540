namespace PinAgent.Report.Bundle;

/// <summary>What a support bundle holds: its <c>manifest.json</c>.</summary>
/// <param name="LayoutVersion">Grows when a file of the bundle changes its meaning or place.</param>
/// <param name="Version">The version of the program that made it.</param>
/// <param name="Created">When.</param>
/// <param name="Arguments">How to look at the recorded machine again, in the folder in which the bundle was unpacked.</param>
/// <param name="Missing">What should be here and couldn't be had, with the reason.</param>
internal sealed record BundleManifest(
    int LayoutVersion,
    string Version,
    DateTimeOffset Created,
    string Node,
    string Arguments,
    IReadOnlyDictionary<string, string> Missing
);
