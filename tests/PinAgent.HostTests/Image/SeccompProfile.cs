using System.Text.Json.Nodes;

namespace PinAgent.HostTests.Image;

/// <summary>
/// RuntimeDefault as CRI-O and Podman have it, from the file of Debian's golang-github-containers-common. Its rules are
/// for all architectures and capabilities; a runtime takes those that apply.
/// </summary>
/// <remarks>Format: github.com/containers/common, <c>pkg/seccomp/types.go</c>.</remarks>
internal static class SeccompProfile
{
    private const string Architecture = "amd64";

    /// <summary>The profile of a container on x86-64, as the OCI runtime specification has it.</summary>
    /// <param name="file">The file.</param>
    /// <param name="capabilities">The container's capabilities, like <c>CAP_SYS_NICE</c>.</param>
    public static JsonObject For(string file, IReadOnlyCollection<string> capabilities)
    {
        var profile = JsonNode.Parse(File.ReadAllText(file))!;
        return new JsonObject
        {
            ["defaultAction"] = profile["defaultAction"]!.DeepClone(),
            ["defaultErrnoRet"] = profile["defaultErrnoRet"]?.DeepClone(),
            ["architectures"] = new JsonArray("SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"),
            ["syscalls"] = new JsonArray([
                .. profile["syscalls"]!
                    .AsArray()
                    .Where(rule => Applies(rule!, capabilities))
                    .Select(rule => Rule(rule!)),
            ]),
        };
    }

    private static bool Applies(JsonNode rule, IReadOnlyCollection<string> capabilities) =>
        Names(rule["includes"]?["arches"]) is not { Length: > 0 } arches
            ? AppliesTo(rule, capabilities)
            : arches.Contains(Architecture) && AppliesTo(rule, capabilities);

    private static bool AppliesTo(JsonNode rule, IReadOnlyCollection<string> capabilities) =>
        Names(rule["includes"]?["caps"]).All(capabilities.Contains)
        && !Names(rule["excludes"]?["caps"]).Any(capabilities.Contains)
        && !Names(rule["excludes"]?["arches"]).Contains(Architecture);

    private static string[] Names(JsonNode? list) =>
        [.. (list?.AsArray() ?? []).Select(name => (string)name!)];

    private static JsonObject Rule(JsonNode rule)
    {
        var result = new JsonObject();
        foreach (var key in new[] { "names", "action", "errnoRet", "args" })
        {
            if (rule[key] is { } value)
            {
                result[key] = value.DeepClone();
            }
        }

        return result;
    }
}
